import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import { useState } from 'react';
import type { Session } from '../api/portal';
import { roughly, secondsUntil } from '../time/duration';
import { useNow } from '../time/use-now';
import { Logo } from './logo';
import { ModeSwitch } from './mode-switch';

interface Props {
  session: Session | undefined;
  /** Resolves when the browser is on its way out; a failure leaves the person signed in. */
  onSignOut: () => Promise<void>;
}

/** Pages for whoever has a role in the management account. */
const administration = [
  { id: 'requests', text: 'SCIM requests', href: '/start/requests' },
  { id: 'failures', text: 'Failed sign-ins', href: '/start/failures' },
];

export function TopBar({ session, onSignOut }: Props) {
  return (
    <header className="top-bar">
      <a className="brand" href="/start/">
        <Logo />
        <span className="brand-name">Gatehouse</span>
      </a>
      {session !== undefined && session.instance.name !== '' && session.instance.name !== 'Gatehouse' && (
        <span className="instance-name">{session.instance.name}</span>
      )}
      <div className="top-bar-end">
        <ModeSwitch />
        {session !== undefined && <PersonMenu session={session} onSignOut={onSignOut} />}
      </div>
    </header>
  );
}

function PersonMenu({ session, onSignOut }: { session: Session; onSignOut: () => Promise<void> }) {
  const [state, setState] = useState<'idle' | 'leaving' | 'failed'>('idle');
  const left = secondsUntil(session.expiresAt, useNow(15_000));
  const name = session.user.displayName || session.user.userName;

  async function leave() {
    setState('leaving');
    try {
      await onSignOut();
    } catch {
      setState('failed');
    }
  }

  return (
    <>
      <span className="session-left" data-soon={left < 600 || undefined}>
        {left > 0 ? `Session ends in ${roughly(left)}` : 'Session has ended'}
      </span>
      <ButtonDropdown
        items={[
          {
            text: session.user.userName,
            items: [
              { id: 'accounts', text: 'Accounts', href: '/start/' },
              { id: 'security', text: 'Sign-in and devices', href: '/start/security' },
              { id: 'sessions', text: 'Your sessions', href: '/start/sessions' },
              ...(session.administers ? administration : []),
              {
                id: 'sign-out',
                text: state === 'failed' ? 'Sign out: try again' : 'Sign out',
                secondaryText: left > 0 ? `Your session ends in ${roughly(left)}.` : 'Your session has ended.',
              },
            ],
          },
        ]}
        loading={state === 'leaving'}
        loadingText="Signing out"
        onItemClick={({ detail }) => {
          if (detail.id === 'sign-out') {
            void leave();
          }
        }}
      >
        <span className="sr-only">Account menu of </span>
        <span className="person-name">{name}</span>
        <span className="person-initials" aria-hidden="true">
          {initials(name)}
        </span>
      </ButtonDropdown>
      {state === 'failed' && (
        <span className="sr-only" role="alert">
          Signing out failed. You are still signed in.
        </span>
      )}
    </>
  );
}

/** "Ada King Lovelace" → "AL", for narrow screens. */
function initials(name: string): string {
  const words = name.split(/[\s.@_-]+/).filter((word) => word !== '');
  const ends = words.length > 1 ? [words[0], words.at(-1)] : words;
  return ends.map((word) => [...(word ?? '')][0]?.toUpperCase() ?? '').join('');
}
