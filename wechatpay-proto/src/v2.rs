//! The typed endpoints of APIv2. Folders mirror the URL.

pub mod mmpaymkttransfers;
