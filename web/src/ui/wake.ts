/** Keeps a phone's screen on during a call. */
export function keepAwake(): (held: boolean) => void {
  let wanted = false;
  let lock: WakeLockSentinel | undefined;
  const apply = async (): Promise<void> => {
    // Absent in some browsers, refused on a low battery; a call works without.
    const wakeLock = (navigator as { wakeLock?: WakeLock }).wakeLock;
    if (wakeLock === undefined) return;
    try {
      if (wanted && document.visibilityState === 'visible') lock = await wakeLock.request('screen');
      else if (!wanted) {
        await lock?.release();
        lock = undefined;
      }
    } catch {
      // See above.
    }
  };
  document.addEventListener('visibilitychange', () => void apply());
  return (held) => {
    if (held === wanted) return;
    wanted = held;
    void apply();
  };
}
