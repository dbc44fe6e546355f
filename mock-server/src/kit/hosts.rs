//! The names of the server: the same ones always, and those that were asked for.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rcgen::{CidrSubnet, GeneralSubtree, NameConstraints, SanType};
use rustls::pki_types::DnsName;
use x509_cert::ext::pkix::NameConstraints as Constraints;
use x509_cert::ext::pkix::constraints::name::GeneralSubtrees;
use x509_cert::ext::pkix::name::GeneralName;

use super::KitError;

/// The hosts of WeChat Pay that the server stands in for, and the only ones.
pub(crate) const WECHAT_HOSTS: [&str; 9] = [
    "api.mch.weixin.qq.com",
    "api2.mch.weixin.qq.com",
    "fraud.mch.weixin.qq.com",
    "payapp.weixin.qq.com",
    "payapp.mch.weixin.qq.com",
    "api.wechatpay.cn",
    "api2.wechatpay.cn",
    "fraud.wechatpay.cn",
    "payapp.wechatpay.cn",
];

/// The names under which this machine is reached.
const LOCAL_HOSTS: [&str; 2] = ["localhost", "host.docker.internal"];

/// A name that leads nowhere, for a server certificate with the wrong name. The authority vouches for it too, so that
/// a client finds the name wrong and nothing else.
pub(super) const WRONG_HOST: &str = "example.invalid";

/// What the authority may vouch for, whatever was asked for; each with the names below it.
const DOMAINS: [&str; 5] = ["localhost", "host.docker.internal", "weixin.qq.com", "wechatpay.cn", WRONG_HOST];

/// One name of the server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Host {
    Name(String),
    Address(IpAddr),
}

impl Host {
    /// What a certificate can say and a client can look up.
    pub(super) fn parse(alias: &str) -> Result<Self, KitError> {
        if let Ok(address) = alias.parse() {
            return Ok(Self::Address(address));
        }
        let plain = alias.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
        match plain && !alias.ends_with('.') && DnsName::try_from(alias).is_ok() {
            true => Ok(Self::Name(alias.to_ascii_lowercase())),
            false => Err(KitError::HostAlias { alias: alias.to_owned() }),
        }
    }

    pub(super) fn to_san(&self) -> Result<SanType, KitError> {
        Ok(match self {
            Self::Name(name) => SanType::DnsName(name.as_str().try_into()?),
            Self::Address(address) => SanType::IpAddress(*address),
        })
    }

    /// Is this name below `base`, which came out of a certificate?
    fn is_within(&self, base: &GeneralName) -> bool {
        match (self, base) {
            (Self::Name(name), GeneralName::DnsName(base)) => is_below(name, base.as_str()),
            (Self::Address(address), GeneralName::IpAddress(base)) => {
                let address = match address {
                    IpAddr::V4(address) => address.octets().to_vec(),
                    IpAddr::V6(address) => address.octets().to_vec(),
                };
                // An address, and behind it the mask.
                let (network, mask) = base.as_bytes().split_at(base.as_bytes().len() / 2);
                network.len() == address.len()
                    && address.iter().zip(network).zip(mask).all(|((a, n), mask)| a & mask == n & mask)
            }
            _ => false,
        }
    }
}

/// The domain itself too.
fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// All names of a server that was asked to have these too.
pub(super) fn all(aliases: &[String]) -> Result<BTreeSet<Host>, KitError> {
    let always = LOCAL_HOSTS.into_iter().chain(WECHAT_HOSTS).map(|name| Host::Name(name.to_owned()));
    let loopback = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()].map(Host::Address);
    let mut hosts: BTreeSet<_> = always.chain(loopback).collect();
    for alias in aliases {
        hosts.insert(Host::parse(alias)?);
    }
    Ok(hosts)
}

/// What an authority for a server with these names is limited to.
pub(super) fn constraints(hosts: &BTreeSet<Host>) -> NameConstraints {
    let always = DOMAINS.map(|domain| GeneralSubtree::DnsName(domain.to_owned())).into_iter().chain([
        GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8)),
        GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(Ipv6Addr::LOCALHOST.octets(), 128)),
    ]);
    let asked = hosts.iter().filter_map(|host| match host {
        Host::Name(name) => {
            let covered = DOMAINS.iter().any(|domain| is_below(name, domain));
            (!covered).then(|| GeneralSubtree::DnsName(name.clone()))
        }
        Host::Address(address) => {
            let prefix = if address.is_ipv4() { 32 } else { 128 };
            let subnet = CidrSubnet::from_addr_prefix(*address, prefix);
            (!address.is_loopback()).then_some(GeneralSubtree::IpAddress(subnet))
        }
    });
    NameConstraints { permitted_subtrees: always.chain(asked).collect(), excluded_subtrees: Vec::new() }
}

/// Whether an authority with these limits can vouch for all of these names.
pub(super) fn covered(hosts: &BTreeSet<Host>, limits: &Constraints) -> bool {
    let within = |subtrees: &Option<GeneralSubtrees>, host: &Host| {
        subtrees.iter().flatten().any(|subtree| host.is_within(&subtree.base))
    };
    hosts
        .iter()
        .all(|host| within(&limits.permitted_subtrees, host) && !within(&limits.excluded_subtrees, host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_a_name_or_an_address() {
        for (alias, host) in [
            ("pay.test", Host::Name("pay.test".to_owned())),
            ("PAY-1.Test", Host::Name("pay-1.test".to_owned())),
            ("mock", Host::Name("mock".to_owned())),
            ("10.1.2.3", Host::Address([10, 1, 2, 3].into())),
            ("fd00::1", Host::Address("fd00::1".parse().unwrap())),
        ] {
            assert_eq!(Host::parse(alias).unwrap(), host);
        }
        let longest = [&*"a".repeat(63); 3].join(".") + "." + &"b".repeat(61);
        assert_eq!(longest.len(), 253);
        assert!(Host::parse(&longest).is_ok());
        for alias in [
            "",
            ".",
            "a..b",
            ".a",
            "a.",
            "-a",
            "a-",
            "a b",
            "a_b",
            "商户",
            "*.a",
            "a:443",
            "https://a",
            "[::1]",
            "1.2.3.256",
            "1.2.3",
            "a\0",
            &"a".repeat(64),
            &(longest + "b"),
        ] {
            let error = Host::parse(alias).unwrap_err();
            assert!(matches!(&error, KitError::HostAlias { alias: given } if given == alias), "{alias:?}");
            assert!(error.to_string().contains(&format!("{alias:?}")), "{error}");
        }
    }

    #[test]
    fn an_alias_that_is_there_already_changes_nothing() {
        let always = all(&[]).unwrap();
        assert_eq!(always.len(), 13);
        assert_eq!(all(&["LOCALHOST".to_owned(), "::1".to_owned()]).unwrap(), always);
        assert_eq!(all(&["pay.test".to_owned()]).unwrap().len(), 14);
    }

    #[test]
    fn names_below_a_domain_are_within_it_and_others_are_not() {
        let name = |text: &str| GeneralName::DnsName(text.to_owned().try_into().unwrap());
        let within = |host: &str, base: &str| Host::parse(host).unwrap().is_within(&name(base));
        assert!(within("api.weixin.qq.com", "weixin.qq.com"));
        assert!(within("weixin.qq.com", "weixin.qq.com"));
        assert!(!within("evilweixin.qq.com", "weixin.qq.com"));
        assert!(!within("qq.com", "weixin.qq.com"));
        assert!(!within("127.0.0.1", "127.0.0.1"));
        let network =
            |bytes: &[u8]| GeneralName::IpAddress(x509_cert::der::asn1::OctetString::new(bytes).unwrap());
        let within = |host: &str, base: &[u8]| Host::parse(host).unwrap().is_within(&network(base));
        assert!(within("127.9.9.9", &[127, 0, 0, 0, 255, 0, 0, 0]));
        assert!(!within("128.0.0.1", &[127, 0, 0, 0, 255, 0, 0, 0]));
        assert!(!within("::1", &[127, 0, 0, 0, 255, 0, 0, 0]));
        assert!(!within("127.0.0.1", &[127, 0]));
    }
}
