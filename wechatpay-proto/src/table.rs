//! The tables: one row of the official page is one row here, and everything else follows from it. The typed
//! request and answer, the check before signing, the order of signing, the document, and the server's direction.

mod open_enum;
#[doc(hidden)]
pub mod order;

/// Defines an endpoint of APIv2 by its official table. The endpoints of this crate are made with it, and so can
/// be those of another.
///
/// A row is `wire_name: Type => Rule;`. The byte order of names that signing needs is worked out by the compiler;
/// a name that stands twice, or cannot stand on the wire, does not compile. A name that is a keyword of Rust is
/// written raw (`r#type`); `options` among the required rows and `head` and `extra` among those of the reply are taken.
/// The blocks, in this order:
///
/// * the header: names, path, whether the client certificate is needed, the digest
///   ([`SignBy`](crate::endpoint::SignBy)), what the answer's trust rests on ([`Trust`](crate::endpoint::Trust));
/// * `envelope`: rows filled in by the core, each with the [`Envelope`](crate::endpoint::Envelope) method that
///   gives the value;
/// * `required`: fields of the request's struct;
/// * `fixed` (may be left out): rows with one possible value, which the caller never sees;
/// * `tolerated` (may be left out): rows that other clients send and the service signs; this one never sends them;
/// * `inner` (may be left out): a row that holds a sign within the sign, and the rows that it covers;
/// * `options` (may be left out): a struct of optional fields, each row with its
///   [`Presence`](crate::endpoint::Presence);
/// * `reply`: rows of the answer, all optional in the type; `list`s of items, the only nesting;
/// * `echo`: rows of the answer that must equal the request's wherever they are present;
/// * `promise`: rows that every success has;
/// * `check` (may be left out): a function for rules that span several fields.
///
/// ```
/// use std::borrow::Cow;
/// use wechatpay_proto::rule::Rule::Token;
/// use wechatpay_proto::{ApiKey, Merchant, Nonce, endpoint};
///
/// endpoint! {
///     /// Closes an order that nobody has paid.
///     pub struct CloseOrder<'a> => CloseOrderReply<'b>;
///     POST "/pay/closeorder", certificate: false, sign: Merchant, trust: Signed;
///
///     envelope { mch_id: mch_id; nonce_str: nonce; sign_type: sign_type; }
///     required {
///         /// 应用ID.
///         appid: &'a str => Token { max: 32 };
///         /// 商户订单号.
///         out_trade_no: &'a str => Token { max: 32 };
///     }
///     reply {
///         /// 商户号.
///         mch_id: Cow<'b, str>;
///     }
///     echo { mch_id }
///     promise { mch_id }
/// }
///
/// let merchant = Merchant::direct("10000100", ApiKey::new("192006250b4c09247ec02edce69f6a2d")?)?;
/// let request = CloseOrder { appid: "wxd930ea5d5a258f4f", out_trade_no: "1217752501201407033233368018" };
/// let signed = merchant.sign(&request, Nonce::from_text("ibuaiVcKdpRxkhJA")?)?;
/// assert!(signed.string_to_sign().starts_with("appid=wxd930ea5d5a258f4f&mch_id=10000100&nonce_str="));
/// # Ok::<(), wechatpay_proto::RequestError>(())
/// ```
#[macro_export]
macro_rules! endpoint {
    (
        $(#[$meta:meta])*
        $vis:vis struct $Request:ident $(<$a:lifetime>)? => $Reply:ident<$b:lifetime>;
        POST $path:literal, certificate: $certificate:literal, sign: $sign:ident, trust: $trust:ident;

        envelope { $($env:ident: $source:ident;)* }
        required { $($(#[$req_meta:meta])* $req:ident: $req_type:ty => $req_rule:expr;)* }
        $(fixed { $($fix:ident: $fix_value:expr;)* })?
        $(tolerated { $($tol:ident),* $(,)? })?
        $(inner $inner:ident { $($over:ident),* $(,)? })?
        $(options $Options:ident $(<$o:lifetime>)? {
            $($(#[$opt_meta:meta])* $opt:ident: $opt_type:ty => $opt_presence:ident, $opt_rule:expr;)*
        })?
        reply { $($(#[$rep_meta:meta])* $rep:ident: $rep_type:ty;)* }
        $($(#[$list_meta:meta])* list $container:ident($item:ident): $Item:ident {
            $($(#[$leaf_meta:meta])* $leaf:ident: $leaf_type:ty;)*
        })*
        echo { $($echo:ident),* $(,)? }
        promise { $($promise:ident),* $(,)? }
        $(check = $check:path;)?
    ) => {
        $(#[$meta])*
        #[doc = concat!("\n\nThe answer is [`", stringify!($Reply), "`]. Path: `", $path, "`.")]
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(non_snake_case, reason = "names are as on the wire")]
        $vis struct $Request $(<$a>)? {
            $($(#[$req_meta])* #[doc = concat!("\n\nRule: `", stringify!($req_rule), "`.")] pub $req: $req_type,)*
            $(
                #[doc = concat!("The optional fields: [`", stringify!($Options), "`].")]
                pub options: $Options $(<$o>)?,
            )?
        }

        $(
            #[doc = concat!("The optional fields of [`", stringify!($Request), "`].")]
            #[derive(Clone, Debug, Default, PartialEq, Eq)]
            #[allow(non_snake_case, reason = "names are as on the wire")]
            $vis struct $Options $(<$o>)? {
                $(
                    $(#[$opt_meta])*
                    #[doc = concat!("\n\nRule: `", stringify!($opt_rule), "`, ", stringify!($opt_presence), ".")]
                    pub $opt: ::core::option::Option<$opt_type>,
                )*
            }
        )?

        #[allow(deprecated, reason = "an endpoint may be out of use")]
        const _: () = {
            // Items are not hygienic: what stands here hides its name from the rules of the rows.
            use $crate::endpoint as __endpoint;
            use $crate::wire as __wire;

            const __WECHATPAY_COUNT: usize = [
                $(stringify!($env),)* $(stringify!($req),)* $($(stringify!($fix),)*)? $($(stringify!($tol),)*)?
                $(stringify!($inner),)? $($(stringify!($opt),)*)?
            ].len();
            const __WECHATPAY_FIELDS: [__endpoint::Field<'static>; __WECHATPAY_COUNT] = [
                $(__endpoint::Field {
                    name: $crate::__wire_name!($env),
                    presence: __endpoint::Presence::Envelope,
                    rule: __endpoint::envelope_rules::$source,
                },)*
                $(__endpoint::Field {
                    name: $crate::__wire_name!($req),
                    presence: __endpoint::Presence::Required,
                    rule: $req_rule,
                },)*
                $($(__endpoint::Field {
                    name: $crate::__wire_name!($fix),
                    presence: __endpoint::Presence::Fixed,
                    rule: $crate::rule::Rule::Exactly($fix_value),
                },)*)?
                $($(__endpoint::Field {
                    name: $crate::__wire_name!($tol),
                    presence: __endpoint::Presence::Tolerated,
                    rule: $crate::rule::Rule::Any,
                },)*)?
                $(__endpoint::Field {
                    name: $crate::__wire_name!($inner),
                    presence: __endpoint::Presence::Computed,
                    rule: $crate::rule::Rule::Alphanumeric { max: 32 },
                },)?
                $($(__endpoint::Field {
                    name: $crate::__wire_name!($opt),
                    presence: __endpoint::Presence::$opt_presence,
                    rule: $opt_rule,
                },)*)?
            ];
            const __WECHATPAY_ORDER: [usize; __WECHATPAY_COUNT] = $crate::table::order::ascii(&__WECHATPAY_FIELDS);
            const __WECHATPAY_SPEC: __endpoint::Spec<'static> = __endpoint::Spec {
                path: $path,
                method: __endpoint::Method::Post,
                host: __endpoint::Host::Api,
                certificate: $certificate,
                sign_by: __endpoint::SignBy::$sign,
                trust: __endpoint::Trust::$trust,
                form: __endpoint::Form::Xml,
                fields: &__WECHATPAY_FIELDS,
                order: &__WECHATPAY_ORDER,
                inner: __endpoint::at_most_one(&[$(__endpoint::InnerSign {
                    name: $crate::__wire_name!($inner),
                    over: &[$($crate::__wire_name!($over)),*],
                })?]),
                echoes: &[$($crate::__wire_name!($echo)),*],
                promises: &[$($crate::__wire_name!($promise)),*],
                foreign: &[],
                lists: &[$(__wire::List { container: stringify!($container), item: stringify!($item) }),*],
            };
            $crate::table::order::assert_sound(&__WECHATPAY_SPEC, &[$($crate::__wire_name!($rep)),*]);

            impl $(<$a>)? __endpoint::Endpoint for $Request $(<$a>)? {
                const SPEC: &'static __endpoint::Spec<'static> = &__WECHATPAY_SPEC;
            }

            impl $(<$a>)? __endpoint::Outgoing for $Request $(<$a>)? {
                type Reply<$b> = $Reply<$b>;

                fn spec(&self) -> __endpoint::Spec<'_> {
                    __WECHATPAY_SPEC
                }

                fn path(&self) -> ::core::result::Result<__endpoint::PathAndQuery, __endpoint::InvalidUri> {
                    static __WECHATPAY_PATH: __endpoint::FixedPath = __endpoint::FixedPath::new($path);
                    __WECHATPAY_PATH.get()
                }

                fn with_values<R>(
                    &self,
                    envelope: &__endpoint::Envelope<'_>,
                    visit: impl FnOnce(&[__wire::Value<'_>]) -> R,
                ) -> R {
                    visit(&self.__wechatpay_values(envelope))
                }

                // Written out row by row, so that the compiler knows the names, the rules and their order: a loop over
                // the table costs more than the digest.
                #[inline]
                fn each_sorted(
                    &self,
                    envelope: &__endpoint::Envelope<'_>,
                    rows: &mut impl __endpoint::Rows,
                ) -> ::core::result::Result<(), $crate::RequestError> {
                    let values = self.__wechatpay_values(envelope);
                    $($crate::__sorted_row!(rows, values, $env);)*
                    $($crate::__sorted_row!(rows, values, $req);)*
                    $($($crate::__sorted_row!(rows, values, $fix);)*)?
                    $($($crate::__sorted_row!(rows, values, $tol);)*)?
                    $($crate::__sorted_row!(rows, values, $inner);)?
                    $($($crate::__sorted_row!(rows, values, $opt);)*)?
                    ::core::result::Result::Ok(())
                }

                $(
                    fn check(&self) -> ::core::result::Result<(), $crate::RequestError> {
                        $check(self)
                    }
                )?
            }

            impl $(<$a>)? $Request $(<$a>)? {
                #[inline]
                fn __wechatpay_values<'__v>(
                    &'__v self,
                    envelope: &__endpoint::Envelope<'__v>,
                ) -> [__wire::Value<'__v>; __WECHATPAY_COUNT] {
                    [
                        $(envelope.$source(),)*
                        $(__wire::ToValue::to_value(&self.$req),)*
                        $($($fix_value,)*)?
                        $($(__endpoint::absent(stringify!($tol)),)*)?
                        $(__endpoint::absent(stringify!($inner)),)?
                        $($(__wire::ToValue::to_value(&self.options.$opt),)*)?
                    ]
                }
            }

            impl<'__f $(, $a)?> __endpoint::Incoming<'__f> for $Request $(<$a>)?
            where
                $('__f: $a,)?
            {
                fn read(
                    fields: &'__f __wire::Fields<'__f>,
                ) -> ::core::result::Result<Self, $crate::RequestError> {
                    ::core::result::Result::Ok(Self {
                        $($req: __endpoint::read_required(fields, $crate::__wire_name!($req))?,)*
                        $(options: $Options {
                            $($opt: __endpoint::read_optional(fields, $crate::__wire_name!($opt))?,)*
                        },)?
                    })
                }
            }
        };

        #[doc = concat!("The answer to [`", stringify!($Request), "`]. Every field but `return_code` may be missing;")]
        /// what a success must have was checked before you get it. Borrows from the body;
        /// [`into_owned`](Self::into_owned) cuts it loose.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(non_snake_case, reason = "names are as on the wire")]
        #[must_use = "an answer is no verdict: it may be a refusal, or leave everything open"]
        #[non_exhaustive]
        $vis struct $Reply<$b> {
            /// The five fields that every answer begins with.
            pub head: $crate::reply::Head<$b>,
            $($(#[$rep_meta])* pub $rep: ::core::option::Option<$rep_type>,)*
            $($(#[$list_meta])* pub $container: ::std::vec::Vec<$Item<$b>>,)*
            /// Fields that the table does not know, in the order of the answer.
            pub extra: ::std::vec::Vec<(::std::borrow::Cow<$b, str>, ::std::borrow::Cow<$b, str>)>,
        }

        impl<$b> $Reply<$b> {
            /// An answer with nothing but its head: where a server starts.
            pub fn new(head: $crate::reply::Head<$b>) -> Self {
                Self {
                    head,
                    $($rep: ::core::option::Option::None,)*
                    $($container: ::std::vec::Vec::new(),)*
                    extra: ::std::vec::Vec::new(),
                }
            }

            /// The same answer, owning its text.
            pub fn into_owned(self) -> $Reply<'static> {
                use $crate::reply::ToStatic;
                $Reply {
                    head: self.head.into_owned(),
                    $($rep: ToStatic::to_static(self.$rep),)*
                    $($container: ToStatic::to_static(self.$container),)*
                    extra: ToStatic::to_static(self.extra),
                }
            }
        }

        impl<$b> $crate::reply::Reply<$b> for $Reply<$b> {
            type Static = $Reply<'static>;

            fn read(mut fields: $crate::wire::Fields<$b>) -> ::core::result::Result<Self, $crate::ReplyError> {
                let mut head = $crate::reply::Head::begin(&fields)?;
                $(let mut $rep = ::core::option::Option::None;)*
                let mut extra = ::std::vec::Vec::new();
                for (name, value) in fields.take_fields() {
                    match &*name {
                        $(row if row == $crate::__wire_name!($rep) => {
                            $rep = $crate::reply::read_field($crate::__wire_name!($rep), value)?;
                        })*
                        _ => match head.take(&name, value)? {
                            ::core::option::Option::Some(value) if !value.is_empty() => extra.push((name, value)),
                            _ => {} // empty is absent
                        },
                    }
                }
                $(let mut $container = ::std::vec::Vec::new();)*
                for (list, items) in fields.take_lists() {
                    match list.container {
                        $(stringify!($container) => {
                            $container = items.into_iter().map($Item::read).collect::<::core::result::Result<_, _>>()?;
                        })*
                        // The reader makes lists of declared containers only.
                        _ => drop(items),
                    }
                }
                ::core::result::Result::Ok(Self { head: head.finish()?, $($rep,)* $($container,)* extra })
            }

            fn write(&self, xml: &mut $crate::wire::Writer) {
                self.head.write(xml);
                $(xml.element($crate::__wire_name!($rep), &$crate::wire::ToValue::to_value(&self.$rep));)*
                $(
                    if !self.$container.is_empty() {
                        xml.open(stringify!($container));
                        for item in &self.$container {
                            xml.open(stringify!($item));
                            item.write(xml);
                            xml.close(stringify!($item));
                        }
                        xml.close(stringify!($container));
                    }
                )*
                for (name, value) in &self.extra {
                    xml.element(name, &$crate::wire::ToValue::to_value(value));
                }
            }

            fn head(&self) -> &$crate::reply::Head<$b> {
                &self.head
            }

            fn into_owned(self) -> $Reply<'static> {
                $Reply::into_owned(self)
            }
        }

        $(
            #[doc = concat!("One `", stringify!($item), "` of the list `", stringify!($container), "`.")]
            #[derive(Clone, Debug, Default, PartialEq, Eq)]
            #[allow(non_snake_case, reason = "names are as on the wire")]
            #[non_exhaustive]
            $vis struct $Item<$b> {
                $($(#[$leaf_meta])* pub $leaf: ::core::option::Option<$leaf_type>,)*
                /// Fields that the table does not know.
                pub extra: ::std::vec::Vec<(::std::borrow::Cow<$b, str>, ::std::borrow::Cow<$b, str>)>,
            }

            impl<$b> $Item<$b> {
                fn read(item: $crate::wire::Item<$b>) -> ::core::result::Result<Self, $crate::ReplyError> {
                    let mut read = Self::default();
                    for (name, value) in item.into_fields() {
                        match &*name {
                            $(row if row == $crate::__wire_name!($leaf) => {
                                read.$leaf = $crate::reply::read_field($crate::__wire_name!($leaf), value)?;
                            })*
                            _ if !value.is_empty() => read.extra.push((name, value)),
                            _ => {} // empty is absent
                        }
                    }
                    ::core::result::Result::Ok(read)
                }

                fn write(&self, xml: &mut $crate::wire::Writer) {
                    $(xml.element($crate::__wire_name!($leaf), &$crate::wire::ToValue::to_value(&self.$leaf));)*
                    for (name, value) in &self.extra {
                        xml.element(name, &$crate::wire::ToValue::to_value(value));
                    }
                }
            }

            impl $crate::reply::ToStatic for $Item<'_> {
                type Static = $Item<'static>;

                fn to_static(self) -> $Item<'static> {
                    use $crate::reply::ToStatic;
                    $Item {
                        $($leaf: ToStatic::to_static(self.$leaf),)*
                        extra: ToStatic::to_static(self.extra),
                    }
                }
            }
        )*
    };
}

/// Shows one row. It stands at the place of `$row` in the table, and shows the row that has this place in the order of
/// signing.
#[doc(hidden)]
#[macro_export]
macro_rules! __sorted_row {
    ($rows:ident, $values:ident, $row:ident) => {{
        const ROW: usize = $crate::table::order::in_place_of(
            &__WECHATPAY_FIELDS,
            &__WECHATPAY_ORDER,
            $crate::__wire_name!($row),
        );
        $rows.row(&__WECHATPAY_FIELDS[ROW], &$values[ROW])?;
    }};
}

/// The name on the wire of a row.
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_name {
    ($name:ident) => {
        const { $crate::table::order::wire(stringify!($name)) }
    };
}
