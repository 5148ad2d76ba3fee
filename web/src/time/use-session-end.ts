import { useEffect, useRef } from 'react';
import { secondsUntil } from './duration';

/** Between two questions about a session that should be over; the server's clock may be behind ours. */
const patienceMs = 60_000;

/**
 * Calls when the session is due to end, and when the page comes back into view after a while, because a session may
 * also be ended by somebody else. The caller asks the server, which alone knows.
 */
export function useSessionEnd(expiresAt: string | undefined, onMaybeOver: () => void): void {
  const call = useRef(onMaybeOver);
  useEffect(() => {
    call.current = onMaybeOver;
  });
  useEffect(() => {
    if (expiresAt === undefined) {
      return undefined;
    }
    let askedAt = Date.now();
    const ask = () => {
      askedAt = Date.now();
      call.current();
    };
    const timer = setInterval(() => {
      if (secondsUntil(expiresAt, Date.now()) === 0 && Date.now() - askedAt >= patienceMs) {
        ask();
      }
    }, 1000);
    // setTimeout counts in 32 bits; a session that long is not going to end under this page.
    const wait = secondsUntil(expiresAt, Date.now()) * 1000 + 500;
    const first = wait < 2 ** 31 ? setTimeout(ask, wait) : undefined;
    const seen = () => {
      if (document.visibilityState === 'visible' && Date.now() - askedAt >= patienceMs) {
        ask();
      }
    };
    document.addEventListener('visibilitychange', seen);
    return () => {
      clearInterval(timer);
      clearTimeout(first);
      document.removeEventListener('visibilitychange', seen);
    };
  }, [expiresAt]);
}
