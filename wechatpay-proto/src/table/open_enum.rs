//! Texts that the service has documented, and whatever else it may say one day.

/// Defines an enum of documented texts that stays open: what is not listed is kept as `Other`.
#[macro_export]
macro_rules! open_enum {
    ($(#[$meta:meta])* $vis:vis enum $Name:ident { $($(#[$doc:meta])* $variant:ident = $wire:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        $vis enum $Name<'b> {
            $($(#[$doc])* #[doc = concat!("\n\nOn the wire: `", $wire, "`.")] $variant,)*
            /// Any other text, as received.
            Other(::std::borrow::Cow<'b, str>),
        }

        impl<'b> $Name<'b> {
            /// Everything that is listed, for tables and tests.
            pub const LISTED: &'static [$Name<'static>] = &[$($Name::$variant,)*];

            /// Reads a text, exactly as spelt.
            pub fn new(text: impl Into<::std::borrow::Cow<'b, str>>) -> Self {
                let text = text.into();
                match &*text {
                    $($wire => Self::$variant,)*
                    _ => Self::Other(text),
                }
            }

            /// The text on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)*
                    Self::Other(text) => text,
                }
            }

            /// The same value, owning its text.
            pub fn into_owned(self) -> $Name<'static> {
                match self {
                    $(Self::$variant => $Name::$variant,)*
                    Self::Other(text) => $Name::Other(::std::borrow::Cow::Owned(text.into_owned())),
                }
            }
        }

        impl ::std::fmt::Display for $Name<'_> {
            /// Control characters of a text that came from outside are escaped.
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, "{}", self.as_str().escape_debug())
            }
        }

        impl $crate::wire::ToValue for $Name<'_> {
            fn to_value(&self) -> $crate::wire::Value<'_> {
                $crate::wire::Value::Text(self.as_str())
            }
        }

        impl<'b> $crate::wire::FromText<'b> for $Name<'b> {
            fn from_text(text: ::std::borrow::Cow<'b, str>) -> Result<Self, $crate::wire::Malformed> {
                Ok(Self::new(text))
            }
        }

        impl $crate::reply::ToStatic for $Name<'_> {
            type Static = $Name<'static>;

            fn to_static(self) -> $Name<'static> {
                self.into_owned()
            }
        }
    };
}
