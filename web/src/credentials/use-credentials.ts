import { useCallback, useEffect, useState } from 'react';
import { credentials as fetchCredentials } from '../api/portal';
import type { Credentials } from '../api/portal';
import { Failure, whenItFails } from '../api/request';

export type Keys =
  | { kind: 'loading' }
  | { kind: 'here'; credentials: Credentials }
  | { kind: 'not-assigned'; why: string }
  | { kind: 'failed'; why: string };

/**
 * Credentials of one role, held in this component's state and nowhere else: when the dialog is unmounted they are
 * gone. Asking again drops the old ones first.
 */
export function useCredentials(accountId: string, roleName: string, onSignedOut: () => void): [Keys, () => void] {
  const [state, setState] = useState<Keys>({ kind: 'loading' });
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    const controller = new AbortController();
    fetchCredentials(accountId, roleName, controller.signal).then(
      (credentials) => setState({ kind: 'here', credentials }),
      whenItFails(controller.signal, onSignedOut, (why, cause) => {
        const refused = cause instanceof Failure && cause.status === 403;
        setState({ kind: refused ? 'not-assigned' : 'failed', why });
      }),
    );
    return () => controller.abort();
  }, [accountId, roleName, attempt, onSignedOut]);

  const again = useCallback(() => {
    setState({ kind: 'loading' });
    setAttempt((n) => n + 1);
  }, []);
  return [state, again];
}
