//! Whose rules hold: the world's, and on top of them what merchants have set for themselves.

use std::collections::BTreeMap;

use super::table::{self, Reach};
use super::{RuleError, Rules};

/// The rules of a world, and of merchants that have others.
#[derive(Clone, Debug)]
pub(crate) struct RuleBook {
    world: Rules,
    own: BTreeMap<String, Own>,
}

/// What a merchant set for itself.
#[derive(Clone, Debug)]
struct Own {
    settings: BTreeMap<&'static str, String>,
    /// The world's rules with these settings.
    rules: Rules,
}

impl RuleBook {
    pub(crate) fn new(world: Rules) -> Self {
        Self { world, own: BTreeMap::new() }
    }

    pub(crate) fn world(&self) -> &Rules {
        &self.world
    }

    /// The rules that hold for a merchant.
    pub(crate) fn of(&self, mch_id: &str) -> &Rules {
        self.own.get(mch_id).map_or(&self.world, |own| &own.rules)
    }

    /// Sets a switch for one merchant, or in the world: then for all that have not set it for themselves.
    pub(crate) fn set(&mut self, mch_id: Option<&str>, name: &str, value: &str) -> Result<(), RuleError> {
        let row = table::find(name)?;
        let Some(mch_id) = mch_id else {
            row.set(&mut self.world, name, value)?;
            for own in self.own.values_mut() {
                own.rules = renewed(&self.world, &own.settings)?;
            }
            return Ok(());
        };
        if row.reach == Reach::World {
            return Err(RuleError::WorldOnly { name: row.name });
        }
        let mut rules = self.of(mch_id).clone();
        row.set(&mut rules, name, value)?;
        let printed = (row.print)(&rules);
        let fresh = Own { settings: BTreeMap::new(), rules: rules.clone() };
        let own = self.own.entry(mch_id.to_owned()).or_insert(fresh);
        own.settings.insert(row.name, printed);
        own.rules = rules;
        Ok(())
    }

    /// What a merchant set for itself, by name.
    pub(crate) fn own(&self, mch_id: &str) -> BTreeMap<String, String> {
        let settings = self.own.get(mch_id).into_iter().flat_map(|own| &own.settings);
        settings.map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    /// Goes back to rules of the world from before; merchants keep what they set for themselves.
    pub(crate) fn restart(&mut self, world: &Rules) {
        self.world = world.clone();
        for own in self.own.values_mut() {
            // What was accepted once is accepted in any world.
            if let Ok(rules) = renewed(&self.world, &own.settings) {
                own.rules = rules;
            }
        }
    }

    /// Gives a merchant settings of its own from before, in place of those that it has.
    pub(crate) fn reopen(&mut self, mch_id: &str, settings: &BTreeMap<String, String>) {
        self.clear(mch_id);
        // What was accepted once is accepted in any world.
        settings.iter().for_each(|(name, value)| drop(self.set(Some(mch_id), name, value)));
    }

    /// Forgets what a merchant set for itself.
    pub(crate) fn clear(&mut self, mch_id: &str) {
        self.own.remove(mch_id);
    }
}

/// The world's rules with a merchant's settings, which were accepted before.
fn renewed(world: &Rules, settings: &BTreeMap<&'static str, String>) -> Result<Rules, RuleError> {
    let mut rules = world.clone();
    for (name, value) in settings {
        rules.set(name, value)?;
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merchant_has_the_worlds_rules_but_for_its_own() {
        let mut book = RuleBook::new(Rules::default());
        book.set(Some("m"), "amount", "1..5").unwrap();
        book.set(Some("m"), "resend_gap", "off").unwrap();
        book.set(None, "amount", "7..9").unwrap();
        book.set(None, "user-packets-a-day", "3").unwrap();
        assert_eq!((book.of("m").amount.clone(), book.of("m").user_packets_a_day), (1..=5, Some(3)));
        assert!(book.of("m").resend_gap.is_zero());
        assert_eq!((book.of("n").amount.clone(), book.world().amount.clone()), (7..=9, 7..=9));
        assert!(!book.world().resend_gap.is_zero());
        let own = [("amount", "1..5"), ("resend-gap", "none")];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(book.own("m"), BTreeMap::from(own));
        assert!(book.own("n").is_empty());
        book.clear("m");
        assert_eq!(book.of("m"), book.world());
        assert!(book.own("m").is_empty());
    }

    #[test]
    fn settings_go_back_to_those_from_before() {
        let mut book = RuleBook::new(Rules::default());
        book.set(Some("m"), "amount", "1..5").unwrap();
        let opening = book.own("m");
        book.set(Some("m"), "settle", "manual").unwrap();
        book.set(None, "user-packets-a-day", "3").unwrap();
        book.restart(&Rules::default());
        assert_eq!((book.world(), book.of("m").user_packets_a_day), (&Rules::default(), Some(10)));
        assert_eq!((book.of("m").amount.clone(), book.own("m").len()), (1..=5, 2));
        book.reopen("m", &opening);
        assert_eq!((book.own("m"), book.of("m").settle), (opening, Rules::default().settle));
    }

    #[test]
    fn what_is_decided_before_the_merchant_is_known_is_the_worlds() {
        let mut book = RuleBook::new(Rules::default());
        let value = |name: &str| if name == "content-type" { "text/xml" } else { "first" };
        for name in [
            "group",
            "sendgroupredpack",
            "xml-envelope",
            "large-body",
            "duplicates",
            "whitespace",
            "content-type",
        ] {
            let error = book.set(Some("m"), name, value(name)).unwrap_err();
            assert!(matches!(error, RuleError::WorldOnly { .. }), "{name}: {error}");
        }
        let text = book.set(Some("m"), "sendgroupredpack", "legacy").unwrap_err().to_string();
        assert!(text.starts_with("group is for the whole world, not for a merchant"), "{text}");
        assert!(book.own("m").is_empty());
        book.set(None, "group", "legacy").unwrap();
    }

    #[test]
    fn an_error_changes_nothing() {
        let mut book = RuleBook::new(Rules::default());
        assert!(book.set(Some("m"), "amount", "5..1").is_err());
        assert!(book.set(None, "amount", "5..1").is_err());
        assert!(book.set(None, "nothing", "5..1").is_err());
        assert!(book.own.is_empty());
        assert_eq!(*book.world(), Rules::default());
    }
}
