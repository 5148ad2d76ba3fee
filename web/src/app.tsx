import { lazy, Suspense, useCallback, useEffect, useState } from 'react';
import { session as fetchSession, signOut } from './api/portal';
import type { Session } from './api/portal';
import { SignedOut, wordsOf } from './api/request';
import { AccountsPage } from './portal/accounts-page';
import { deepLink, signedOutAddress, signInAddress } from './portal/address';
import { Trouble } from './shell/trouble';
import { TopBar } from './shell/top-bar';
import { useSessionEnd } from './time/use-session-end';

// What most people never open is fetched when it is.
const SessionsPage = lazy(() => import('./sessions/sessions-page'));
const FailuresPage = lazy(() => import('./failures/failures-page'));
const RequestsPage = lazy(() => import('./requests/requests-page'));

type State =
  { kind: 'asking' } | { kind: 'in'; session: Session } | { kind: 'leaving' } | { kind: 'failed'; why: string };

/** The portal: finds out who is signed in, sends everybody else to sign in, and shows the accounts. */
export function App() {
  const [state, setState] = useState<State>({ kind: 'asking' });

  const leave = useCallback((address: string) => {
    setState({ kind: 'leaving' });
    location.assign(address);
  }, []);
  const toSignIn = useCallback(() => leave(signInAddress(location)), [leave]);

  const ask = useCallback(
    async (signal?: AbortSignal) => {
      try {
        const session = await fetchSession(signal);
        const link = deepLink(location.hash);
        if (link !== undefined) {
          setState({ kind: 'leaving' });
          location.replace(link);
          return;
        }
        setState({ kind: 'in', session });
      } catch (cause) {
        if (signal?.aborted) {
          return;
        }
        if (cause instanceof SignedOut) {
          toSignIn();
          return;
        }
        // A passing failure does not take away a page that works.
        setState((now) => (now.kind === 'in' ? now : { kind: 'failed', why: wordsOf(cause) }));
      }
    },
    [toSignIn],
  );

  useEffect(() => {
    const controller = new AbortController();
    const again = () => void ask(controller.signal);
    again();
    window.addEventListener('hashchange', again);
    return () => {
      controller.abort();
      window.removeEventListener('hashchange', again);
    };
  }, [ask]);

  useSessionEnd(state.kind === 'in' ? state.session.expiresAt : undefined, () => void ask());

  const out = useCallback(async () => {
    let onward = '';
    try {
      onward = await signOut();
    } catch (cause) {
      if (!(cause instanceof SignedOut)) {
        throw cause;
      }
    }
    leave(onward || signedOutAddress);
  }, [leave]);

  return (
    <>
      <a className="skip" href="#main" onClick={skipToMain}>
        Skip to the page
      </a>
      <TopBar session={state.kind === 'in' ? state.session : undefined} onSignOut={out} />
      <main id="main" tabIndex={-1}>
        {state.kind === 'failed' && (
          <Trouble
            title="The portal could not be opened"
            why={state.why}
            onRetry={() => {
              setState({ kind: 'asking' });
              void ask();
            }}
          />
        )}
        {(state.kind === 'asking' || state.kind === 'in') && (
          <Suspense fallback={<p className="leaving">One moment …</p>}>
            <Page session={state.kind === 'in' ? state.session : undefined} onSignedOut={toSignIn} />
          </Suspense>
        )}
        {state.kind === 'leaving' && <p className="leaving">One moment …</p>}
      </main>
    </>
  );
}

/** The page at this address; the accounts where there is no other. */
function Page(props: { session: Session | undefined; onSignedOut: () => void }) {
  switch (location.pathname.replace(/\/$/, '')) {
    case '/start/sessions':
      return <SessionsPage ready={props.session !== undefined} onSignedOut={props.onSignedOut} />;
    case '/start/failures':
      return <FailuresPage {...props} />;
    case '/start/requests':
      return <RequestsPage {...props} />;
    default:
      return <AccountsPage {...props} />;
  }
}

/** The hash belongs to deep links, so the skip link moves the focus and leaves the address alone. */
function skipToMain(event: React.MouseEvent): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}
