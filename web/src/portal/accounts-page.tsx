import { lazy, Suspense, useRef, useState } from 'react';
import type { Account, Role, Session } from '../api/portal';
import { Trouble } from '../shell/trouble';
import { AccountsList } from './accounts-list';
import { NoAccounts } from './no-accounts';
import { Skeleton } from './skeleton';
import { useAccounts } from './use-accounts';

// Half of the design system is in the dialog and nobody needs it to see their accounts.
const openDialog = () => import('../credentials/keys-dialog');
const KeysDialog = lazy(openDialog);

interface Props {
  /** Undefined while it is being asked for. */
  session: Session | undefined;
  onSignedOut: () => void;
}

export function AccountsPage({ session, onSignedOut }: Props) {
  const [state, fetchAgain] = useAccounts(session !== undefined, onSignedOut);
  const title = useRef<HTMLHeadingElement>(null);
  const [chosen, setChosen] = useState<{ account: Account; role: Role }>();

  function reload() {
    fetchAgain();
    title.current?.focus(); // What was pressed is about to go, and the focus would go with it.
  }

  return (
    <div className="page">
      <h1 ref={title} tabIndex={-1}>
        Accounts
        {state.kind === 'here' && state.accounts.length > 0 && (
          <span className="count"> ({state.accounts.length.toLocaleString('en')})</span>
        )}
      </h1>
      <p className="lead">
        {state.kind === 'here' && state.accounts.length === 0
          ? 'The accounts you can reach will be listed here.'
          : 'Choose an account and the role to take in it.'}
      </p>
      {state.kind === 'loading' && <Skeleton />}
      {state.kind === 'failed' && (
        <Trouble title="Your accounts could not be loaded" why={state.why} onRetry={reload} />
      )}
      {state.kind === 'here' && state.accounts.length === 0 && (
        <NoAccounts userName={session?.user.userName ?? ''} onReload={reload} />
      )}
      {state.kind === 'here' && state.accounts.length > 0 && (
        <AccountsList
          accounts={state.accounts}
          onKeys={(account, role) => setChosen({ account, role })}
          onKeysLikely={() => void openDialog().catch(() => undefined)}
        />
      )}
      {chosen !== undefined && session !== undefined && (
        <Suspense fallback={null}>
          <KeysDialog
            account={chosen.account}
            role={chosen.role}
            instance={session.instance}
            onClose={() => setChosen(undefined)}
            onSignedOut={onSignedOut}
            onNotAssigned={() => {
              setChosen(undefined);
              reload();
            }}
          />
        </Suspense>
      )}
    </div>
  );
}
