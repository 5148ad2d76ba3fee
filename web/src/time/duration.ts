/** 5025 → "1:23:45", 65 → "1:05", for a clock that runs. Negative is zero. */
export function clock(seconds: number): string {
  const left = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** 5025 → "1 h 23 min", 300 → "5 min", 40 → "less than a minute". Negative is "no time". */
export function roughly(seconds: number): string {
  if (seconds <= 0) {
    return 'no time';
  }
  if (seconds < 60) {
    return 'less than a minute';
  }
  const minutes = Math.floor(seconds / 60);
  const [h, m] = [Math.floor(minutes / 60), minutes % 60];
  return [h > 0 && `${h} h`, m > 0 && `${m} min`].filter(Boolean).join(' ');
}

/** Seconds from now (milliseconds) to an RFC 3339 time; 0 when it is past or no time at all. */
export function secondsUntil(time: string, now: number): number {
  const at = Date.parse(time);
  return Number.isNaN(at) ? 0 : Math.max(0, (at - now) / 1000);
}
