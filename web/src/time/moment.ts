const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const hour = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const second = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** "28 Nov 2026, 06:11" in the browser's time zone, with the seconds if they matter; "an unknown time" of what is none. */
export function moment(time: string | undefined, exact = false): string {
  const at = new Date(time ?? '');
  if (Number.isNaN(at.getTime())) {
    return 'an unknown time';
  }
  return `${day.format(at)}, ${(exact ? second : hour).format(at)}`;
}
