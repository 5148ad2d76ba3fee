import { useCallback, useEffect, useState } from 'react';
import { accounts as fetchAccounts } from '../api/portal';
import type { Account } from '../api/portal';
import { whenItFails } from '../api/request';

export type Accounts = { kind: 'loading' } | { kind: 'here'; accounts: Account[] } | { kind: 'failed'; why: string };

/** The accounts of whoever is signed in, once `wanted`; and a way to fetch them again. */
export function useAccounts(wanted: boolean, onSignedOut: () => void): [Accounts, reload: () => void] {
  const [state, setState] = useState<Accounts>({ kind: 'loading' });
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    if (!wanted) {
      return undefined;
    }
    const controller = new AbortController();
    fetchAccounts(controller.signal).then(
      (accounts) => setState({ kind: 'here', accounts }),
      whenItFails(controller.signal, onSignedOut, (why) => setState({ kind: 'failed', why })),
    );
    return () => controller.abort();
  }, [wanted, attempt, onSignedOut]);

  const reload = useCallback(() => {
    setState({ kind: 'loading' });
    setAttempt((n) => n + 1);
  }, []);
  return [state, reload];
}
