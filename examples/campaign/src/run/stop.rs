//! The end before the end: a signal came.

use wechatpay_proto::payout::Action;
use wechatpay_proto::transport::Delivery;

use super::{Ended, Happened, Run, World};
use crate::failure::Failure;

impl<W: World> Run<'_, W> {
    /// Sends nothing more, waits for the answers that are under way, writes them down, and gives everything back
    /// once all have come.
    pub(super) fn stop(mut self) -> Result<Ended, Failure> {
        let deadline = self.world.now().steady + self.plan.grace;
        self.watch.note(&format!("stopping: {} requests are under way", self.under_way));
        self.write_down()?;
        while self.under_way > 0 && self.world.now().steady < deadline {
            if let Happened::Landed(landed) = self.world.wait(Some(deadline)) {
                self.landed(landed);
                self.write_down()?;
            }
        }
        if self.under_way > 0 {
            // Such a request may yet arrive: until the leases end, nobody else is to send for its payout.
            return Ok(Ended::Stopped);
        }
        let held: Vec<Box<str>> = self.held.drain().collect();
        let numbers: Vec<&str> = held.iter().map(|number| &**number).collect();
        match self.store.release(&numbers) {
            Ok(()) => Ok(Ended::Stopped),
            Err(error) => Err(Failure::of("cannot release payouts", &error)),
        }
    }

    /// Writes what answers brought. The campaign offers that before it begins anything new.
    fn write_down(&mut self) -> Result<(), Failure> {
        while self.unwritten > 0 {
            let now = self.world.now();
            match self.campaign.poll(now) {
                // Nothing more is to be sent.
                Ok(Action::Save(save)) if save.is_attempt() => self.campaign.not_saved(now, save),
                Ok(Action::Send { flight, .. }) => self.campaign.fault(now, flight, Delivery::NotSent),
                Ok(Action::Save(save)) => {
                    self.unwritten -= 1;
                    self.save(vec![save])?;
                }
                Ok(Action::Alert { intent, alert }) => self.watch.alert(&intent, &alert),
                Ok(Action::Done(done)) => {
                    self.held.remove(done.intent().mch_billno());
                    self.watch.done();
                }
                Ok(Action::Parked { .. }) => {}
                Ok(Action::Wait { .. }) | Err(_) => break,
            }
        }
        Ok(())
    }
}
