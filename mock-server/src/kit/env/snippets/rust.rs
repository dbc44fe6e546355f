// wechatpay-transport-ureq; wechatpay-transport-hyper takes the same settings.
use std::env::var;

use wechatpay_proto::transport::BaseUrl;
use wechatpay_proto::{ApiKey, Client, Merchant};
use wechatpay_transport_ureq::{Identity, Roots, Settings, UreqTransport, os_random};

type MockClient = Client<UreqTransport, fn() -> std::io::Result<[u8; 16]>>;

fn client() -> Result<MockClient, Box<dyn std::error::Error>> {
    let key = ApiKey::new(var("WECHATPAY_MOCK_KEY")?)?;
    let merchant = Merchant::direct(&var("WECHATPAY_MOCK_MCH_ID")?, key)?;
    let identity = Identity::from_pem_files(var("WECHATPAY_MOCK_CERT")?, var("WECHATPAY_MOCK_KEY_PEM")?)?;
    let roots = Roots::from_pem(&std::fs::read(var("WECHATPAY_MOCK_CA")?)?)?;
    let transport = UreqTransport::new(Settings::new().identity(identity).roots(roots))?;
    let base = BaseUrl::parse(&var("WECHATPAY_MOCK_URL")?)?;
    Ok(Client::new(merchant, transport, os_random as _).with_base(base))
}
