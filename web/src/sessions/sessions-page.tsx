import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import { useCallback, useEffect, useRef, useState } from 'react';
import { endOtherSessions, endSession, openSessions } from '../api/portal';
import type { OpenSession } from '../api/portal';
import { SignedOut, whenItFails, wordsOf } from '../api/request';
import { Trouble } from '../shell/trouble';
import { useTitle } from '../shell/use-title';
import { roughly, secondsUntil } from '../time/duration';
import { moment } from '../time/moment';
import { useNow } from '../time/use-now';

type State = { kind: 'loading' } | { kind: 'here'; sessions: OpenSession[] } | { kind: 'failed'; why: string };

/** What is about to be ended: one session, or all others. */
type Ending = { one: OpenSession } | 'others';

interface Props {
  /** Whether somebody is known to be signed in. */
  ready: boolean;
  onSignedOut: () => void;
}

/** Where the person is signed in, and how to end that elsewhere. */
export default function SessionsPage({ ready, onSignedOut }: Props) {
  useTitle('Your sessions');
  const [state, setState] = useState<State>({ kind: 'loading' });
  const [attempt, setAttempt] = useState(0);
  const [ending, setEnding] = useState<Ending>();
  const [said, setSaid] = useState('');
  const title = useRef<HTMLHeadingElement>(null);

  useEffect(() => {
    if (!ready) {
      return undefined;
    }
    const controller = new AbortController();
    openSessions(controller.signal).then(
      (sessions) => setState({ kind: 'here', sessions }),
      whenItFails(controller.signal, onSignedOut, (why) => setState({ kind: 'failed', why })),
    );
    return () => controller.abort();
  }, [ready, attempt, onSignedOut]);

  const again = useCallback(() => setAttempt((n) => n + 1), []);

  function ended(words: string) {
    setEnding(undefined);
    setSaid(words);
    again();
    title.current?.focus(); // The button that was pressed goes with its session.
  }

  const others = state.kind === 'here' ? state.sessions.filter((one) => one.current !== true).length : 0;
  return (
    <div className="page">
      <h1 ref={title} tabIndex={-1}>
        Your sessions
        {state.kind === 'here' && <span className="count"> ({state.sessions.length.toLocaleString('en')})</span>}
      </h1>
      <p className="lead">
        Where you are signed in, in browsers and on command lines that were let in from them. End what you do not know,
        or no longer need.
      </p>
      <p role="status" className="sr-only">
        {state.kind === 'loading' ? 'Loading sessions' : said}
      </p>
      {state.kind === 'loading' && (
        <div aria-hidden="true" className="accounts skeleton">
          {[0, 1, 2].map((row) => (
            <div key={row} className="skeleton-row">
              <span />
              <span />
            </div>
          ))}
        </div>
      )}
      {state.kind === 'failed' && (
        <Trouble
          title="Your sessions could not be loaded"
          why={state.why}
          onRetry={() => {
            setState({ kind: 'loading' });
            again();
            title.current?.focus();
          }}
        />
      )}
      {state.kind === 'here' && (
        <>
          <ul className="accounts" aria-label="Open sessions">
            {state.sessions.map((one) => (
              <SessionRow key={one.id} session={one} onEnd={() => setEnding({ one })} />
            ))}
          </ul>
          <div className="sessions-below">
            {others > 0 ? (
              <Button onClick={() => setEnding('others')}>Sign out everywhere else</Button>
            ) : (
              <p className="soft">You are signed in nowhere else.</p>
            )}
          </div>
        </>
      )}
      {ending !== undefined && (
        <EndDialog
          ending={ending}
          others={others}
          onClose={() => setEnding(undefined)}
          onEnded={ended}
          onSignedOut={onSignedOut}
        />
      )}
    </div>
  );
}

function SessionRow({ session, onEnd }: { session: OpenSession; onEnd: () => void }) {
  const now = useNow(15_000);
  const ago = (now - Date.parse(session.lastSeenAt)) / 1000;
  return (
    <li className="session">
      <div>
        <span className="role-name">
          {wayOf(session)} {session.current === true && <span className="badge">This browser</span>}
        </span>
        <span className="role-description">
          Since {moment(session.createdAt)}
          {session.current !== true && (ago < 120 ? ', in use now' : `, last used ${roughly(ago)} ago`)}
          {`, ends in ${roughly(secondsUntil(session.expiresAt, now))}`}
        </span>
      </div>
      {session.current !== true && (
        <button
          type="button"
          className="action"
          aria-label={`End the session that began ${moment(session.createdAt)}`}
          onClick={onEnd}
        >
          End
        </button>
      )}
    </li>
  );
}

/** How she signed in, in words. */
function wayOf({ method, source }: OpenSession): string {
  switch (method) {
    case 'saml':
      return `Through the identity provider “${source}”`;
    case 'password':
      return 'With a password';
    case 'password+mfa':
      return 'With a password and a second factor';
    case 'passkey':
      return 'With a passkey';
    default:
      return `By ${method}`;
  }
}

interface DialogProps {
  ending: Ending;
  others: number;
  onClose: () => void;
  onEnded: (words: string) => void;
  onSignedOut: () => void;
}

function EndDialog({ ending, others, onClose, onEnded, onSignedOut }: DialogProps) {
  const [state, setState] = useState<'idle' | 'busy' | { why: string }>('idle');

  async function end() {
    setState('busy');
    try {
      if (ending === 'others') {
        const n = await endOtherSessions();
        onEnded(n === 1 ? 'One other session was ended.' : `${n} other sessions were ended.`);
      } else {
        await endSession(ending.one.id);
        onEnded('The session was ended.');
      }
    } catch (cause) {
      if (cause instanceof SignedOut) {
        onSignedOut();
        return;
      }
      setState({ why: wordsOf(cause) });
    }
  }

  return (
    <Modal
      visible
      closeAriaLabel="Close"
      header={ending === 'others' ? 'Sign out everywhere else?' : 'End this session?'}
      onDismiss={onClose}
      footer={
        <div className="keys-foot">
          <Button onClick={onClose}>Keep</Button>
          <Button variant="primary" loading={state === 'busy'} loadingText="Ending" onClick={() => void end()}>
            {ending === 'others' ? 'Sign out everywhere else' : 'End the session'}
          </Button>
        </div>
      }
    >
      <p>
        {ending === 'others'
          ? `${others === 1 ? 'One other session ends' : `${others} other sessions end`} at once; this one stays.`
          : `${wayOf(ending.one)}, since ${moment(ending.one.createdAt)}. It ends at once.`}{' '}
        Access keys of accounts on this server that you were given until now stop working, wherever you use them: you
        can get new ones here.
      </p>
      {typeof state === 'object' && <Trouble title="That did not work" why={state.why} />}
    </Modal>
  );
}
