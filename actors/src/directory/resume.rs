//! Which sessions go on by themselves after a restart.

use super::Directory;
use healthsync_events::{Refusal, SessionId, Timestamp, ward::WardRow};
use std::{cmp::Reverse, time::Duration};

/// A patient of whom no monitor has sent anything for so long, and of whom no alarm stands, is not monitored any more:
/// a session that nobody ended is not to take a place for ever.
const MONITORED: Duration = Duration::from_hours(24);

impl Directory {
    /// Starts the sessions of monitored patients once their logs have been read: an alarm that is to call again, and a
    /// monitor that has fallen silent meanwhile, must not wait until somebody looks. They take half of the places at most,
    /// those with alarms first: the others are for whoever comes.
    pub async fn resume(&self) {
        let mut changes = self.ward.changes();
        let now = self.clock.now();
        let rows = loop {
            let ward = self.ward.snapshot(now);
            if ward.complete {
                break ward.rows;
            }
            if changes.changed().await.is_err() {
                return;
            }
        };
        let monitored = monitored(&rows, now);
        let places = self.config.max_open_sessions.div_ceil(2);
        if monitored.len() > places {
            tracing::warn!(
                waiting = monitored.len() - places,
                "more patients are monitored than sessions go on by themselves: alarms of the others wait until they are \
                 heard from (sessions.max_open)"
            );
        }
        for session in monitored.into_iter().take(places) {
            match self.cell(session).await {
                Ok(_) | Err(Refusal::SessionEnded) => {}
                Err(refusal) => tracing::warn!(%session, %refusal, "a monitored patient's session does not go on"),
            }
        }
    }
}

/// Those to go on with, those that need it most first.
fn monitored(rows: &[WardRow], now: Timestamp) -> Vec<SessionId> {
    let since = now.millis() - MONITORED.as_millis() as i64;
    let newest = |row: &WardRow| row.vitals.newest().map(Timestamp::millis);
    let mut monitored: Vec<&WardRow> =
        rows.iter().filter(|row| !row.alarms.is_empty() || newest(row).is_some_and(|at| at >= since)).collect();
    monitored.sort_by_key(|row| (row.alarms.is_empty(), Reverse(newest(row))));
    monitored.into_iter().map(|row| row.session).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use healthsync_events::{
        AlarmId, Seq,
        alarm::{AlarmKind, AlarmPriority},
        ward::{WardAlarm, WardValue, WardVitals},
    };

    fn row(number: u128, measured: Option<i64>, alarm: bool) -> WardRow {
        let at = |hour: i64| Timestamp::from_millis(hour * 3_600_000);
        let alarm = alarm.then(|| WardAlarm {
            alarm: AlarmId(uuid::Uuid::from_u128(1)),
            kind: AlarmKind::NoData,
            priority: AlarmPriority::Medium,
            message: String::new(),
            since: at(0),
        });
        WardRow {
            session: SessionId(uuid::Uuid::from_u128(number)),
            patient: "p".parse().unwrap(),
            started_at: at(0),
            head: Seq(1),
            location: None,
            vitals: WardVitals {
                spo2: measured.map(|hour| WardValue { value: 97.0, at: at(hour) }),
                ..WardVitals::default()
            },
            news2: None,
            alarms: alarm.into_iter().collect(),
            heart_rate_trend: vec![],
            news2_trend: vec![],
        }
    }

    #[test]
    fn patients_with_alarms_go_on_first_and_those_nobody_monitors_do_not() {
        let rows = [row(1, None, false), row(2, Some(90), false), row(3, Some(99), false), row(4, Some(10), true)];
        let rows = [rows.as_slice(), &[row(5, Some(75), false)]].concat();
        let going_on = monitored(&rows, Timestamp::from_millis(100 * 3_600_000));
        assert_eq!(going_on.iter().map(|session| session.0.as_u128()).collect::<Vec<_>>(), [4, 3, 2]);
    }
}
