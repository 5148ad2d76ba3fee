import LiveRegion from '@cloudscape-design/components/live-region';
import { clock, secondsUntil } from '../time/duration';
import { useNow } from '../time/use-now';

/** When the end is near enough to be said aloud and drawn in colour. */
const soonSeconds = 5 * 60;

/** A clock that runs down. Sighted people see each second; others are told twice: soon, and over. */
export function TimeLeft({ expiration }: { expiration: string | undefined }) {
  const now = useNow(1000);
  if (expiration === undefined) {
    return <span className="time-left">–</span>;
  }
  const left = secondsUntil(expiration, now);
  const state = left <= 0 ? 'over' : left < soonSeconds ? 'soon' : 'fine';
  return (
    <>
      <span className="time-left" role="timer" aria-live="off" data-state={state}>
        {state === 'over' ? 'Expired: get new keys' : clock(left)}
      </span>
      <LiveRegion hidden>
        {state === 'soon' && 'These keys expire in less than five minutes.'}
        {state === 'over' && 'These keys have expired. Get new keys.'}
      </LiveRegion>
    </>
  );
}
