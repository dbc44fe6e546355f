//! Files of the kit, and how to point an SDK here.

use http::{Method, StatusCode};

use super::{Admin, Answer, Asked, Body, Call, Kind, Refused, Reply, may};
use crate::kit::{EnvFormat, Environment, Kit, KitError, MerchantFiles, Sdk};
use crate::merchant::MockMerchant;

pub(super) const CALLS: &[Call] = &[
    Call {
        method: Method::GET,
        path: "/ca.pem",
        summary: "The authority to trust, for this server only.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::File("application/x-pem-file"),
        run: |admin, _| Ok(Reply::File(admin.kit()?.ca_pem().as_bytes().to_vec())),
    },
    Call {
        method: Method::GET,
        path: "/truststore.p12",
        summary: "The same for Java, with the password changeit.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::File("application/x-pkcs12"),
        run: |admin, _| Ok(Reply::File(admin.kit()?.truststore().to_vec())),
    },
    Call {
        method: Method::GET,
        path: "/env",
        summary: "How to point an SDK here: the environment in a format, or the settings of an SDK.",
        query: &[
            may(
                "format",
                Kind::OneOf(&["sh", "ps1", "dotenv", "json"]),
                "the environment; sh where sdk is not given",
            ),
            may(
                "sdk",
                Kind::OneOf(&["curl", "php", "node", "python", "go", "java", "rust"]),
                "the settings of an SDK",
            ),
            may("mch_id", Kind::Text, "of this merchant; the first where it is left out"),
        ],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::File("text/plain; charset=utf-8"),
        run: env,
    },
];

fn env(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let merchants = admin.mock.merchants();
    let wanted = asked.query("mch_id");
    let found = merchants.iter().find(|merchant| wanted.is_none_or(|wanted| merchant.mch_id() == wanted));
    let merchant = found.ok_or_else(|| Refused::unknown("merchant", wanted.unwrap_or("at all")))?;
    admin.write_kit(merchant.mch_id())?;
    let text = match (asked.query("sdk"), asked.query("format")) {
        (Some(_), Some(_)) => return Err(Refused::bad("give format or sdk, not both".to_owned())),
        (Some(name), None) => one_of("sdk", name, Sdk::ALL, Sdk::name)?.snippet().to_owned(),
        (None, name) => {
            let format = one_of("format", name.unwrap_or("sh"), EnvFormat::ALL, EnvFormat::name)?;
            let environment = environment(admin.kit()?, &admin.client_url, merchant);
            environment.map_err(|error| broken(&error))?.render(format)
        }
    };
    Ok(Reply::File(text.into_bytes()))
}

/// The one of these that has the name.
fn one_of<T: Copy, const N: usize>(
    what: &str,
    wanted: &str,
    all: [T; N],
    name: fn(T) -> &'static str,
) -> Result<T, Refused> {
    let names = all.map(name).join(", ");
    let found = all.into_iter().find(|one| name(*one) == wanted);
    found.ok_or_else(|| Refused::bad(format!("{what}={wanted}: there are {names}")))
}

fn environment(kit: &Kit, url: &str, merchant: &MockMerchant) -> Result<Environment, KitError> {
    kit.environment(url, merchant.mch_id(), merchant.key(), merchant.appid())
}

impl Admin {
    pub(super) fn kit(&self) -> Result<&Kit, Refused> {
        let message = "there is no kit here".to_owned();
        self.kit
            .as_deref()
            .ok_or_else(|| Refused::new(StatusCode::NOT_FOUND, "no_kit", message, "start a server"))
    }

    /// The files of a merchant, written if they are not there.
    pub(super) fn write_kit(&self, mch_id: &str) -> Result<MerchantFiles, Refused> {
        self.kit()?.merchant(mch_id).map_err(|error| broken(&error))
    }

    pub(super) fn write_all_kits(&self) -> Result<(), Refused> {
        self.mock.merchants().iter().try_for_each(|merchant| self.write_kit(merchant.mch_id()).map(drop))
    }

    /// Writes the environment files, for the first merchant that there is.
    pub(in crate::serve) fn write_first_environment(&self) -> Result<(), KitError> {
        let (Some(kit), Some(merchant)) = (&self.kit, self.mock.merchants().into_iter().next()) else {
            return Ok(());
        };
        kit.write_env(&environment(kit, &self.client_url, &merchant)?)
    }
}

pub(super) fn broken(error: &KitError) -> Refused {
    let hint = "look at the folder of the kit: its rights, and the room that is left";
    Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "kit", error.to_string(), hint)
}
