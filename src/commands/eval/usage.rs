//! What this process has used so far, as Linux tells it.

use std::fs;

/// `/proc` counts processor time in hundredths of a second to programs, whatever the kernel's own tick (proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;

/// Fields of `/proc/self/stat` after the program's name: ticks in user mode, then in the kernel.
const USER: usize = 11;
const KERNEL: usize = 12;

/// Seconds of processor time, of all threads; `None` elsewhere than on Linux.
pub(super) fn cpu_seconds() -> Option<f64> {
    cpu(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// Most memory that was resident at a time, in bytes; `None` elsewhere than on Linux.
pub(super) fn peak_resident_bytes() -> Option<u64> {
    peak(&fs::read_to_string("/proc/self/status").ok()?)
}

fn cpu(stat: &str) -> Option<f64> {
    // The name may hold spaces and brackets.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(USER)? + ticks(KERNEL)?) / TICKS_PER_SECOND)
}

fn peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_memory_are_read_as_linux_writes_them() {
        let stat = "77 (a name) of) S 1 77 77 0 -1 4194560 1 0 0 0 250 50 9 9 20 0 4 0 100 1 1";
        assert_eq!(cpu(stat), Some(3.0));
        assert_eq!(cpu("77 (short) S 1"), None);
        assert_eq!(peak("Name:\tx\nVmPeak:\t 9 kB\nVmHWM:\t    2048 kB\n"), Some(2 << 20));
        assert_eq!(peak("Name:\tx\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_has_used_something() {
        assert!(cpu_seconds().is_some() && peak_resident_bytes().is_some_and(|bytes| bytes > 1 << 20));
    }
}
