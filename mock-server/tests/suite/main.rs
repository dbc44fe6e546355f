//! The mock from outside. What these tests send is signed by a naive signer of their own, so that the mock and the
//! core cannot agree on one mistake.

mod answers;
mod checks;
mod common;
mod determinism;
mod documents;
mod fault_answers;
mod faults;
mod group;
mod guides;
mod hostile;
mod journal;
mod kinds;
mod miniprogram;
mod orders;
mod provider;
mod samples;
mod switches;
mod workweixin;
mod world;

#[cfg(feature = "server")]
mod admin;
#[cfg(all(feature = "server", unix))]
mod binary;
#[cfg(feature = "server")]
mod clients;
#[cfg(feature = "conformance")]
mod conformance;
#[cfg(feature = "server")]
mod connect;
#[cfg(feature = "server")]
mod effects;
#[cfg(feature = "server")]
mod kit;
#[cfg(feature = "server")]
mod p12;
#[cfg(feature = "server")]
mod raw;
#[cfg(all(feature = "server", unix))]
mod scenarios;
#[cfg(feature = "server")]
mod socket;
#[cfg(feature = "server")]
mod tls;
#[cfg(feature = "server")]
mod what_went_wrong;
