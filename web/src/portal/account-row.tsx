import { useId } from 'react';
import { consoleAddress } from '../api/portal';
import type { Account, Role } from '../api/portal';
import { roughly } from '../time/duration';
import { highlight } from './search';
import type { Match } from './search';

interface Props {
  match: Match;
  /** The words that were searched for, to be marked. */
  words: string[];
  open: boolean;
  onToggle: () => void;
  onKeys: (role: Role) => void;
}

/**
 * One account, and its roles when open. Plain elements rather than the design system's: fifty of these are drawn
 * again at every keystroke of a search.
 */
export function AccountRow({ match, words, open, onToggle, onKeys }: Props) {
  const { account, roles } = match;
  const panel = useId();
  return (
    <li className="account" data-open={open || undefined}>
      <h2>
        <button type="button" className="account-head" aria-expanded={open} aria-controls={panel} onClick={onToggle}>
          <svg className="chevron" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
            <path d="M6 3.5 10.5 8 6 12.5" />
          </svg>
          <span className="account-name">
            <Marked text={account.name} words={words} />
          </span>{' '}
          <span className="account-id">
            <Marked text={account.id} words={words} />
          </span>{' '}
          <span className="account-email">
            <Marked text={account.email} words={words} />
          </span>{' '}
          <span className="account-count">{counted(roles.length, account.roles.length)}</span>
        </button>
      </h2>
      <div id={panel} hidden={!open}>
        {open && (
          <ul className="roles" aria-label={`Roles in ${account.name}`}>
            {roles.map((role) => (
              <RoleRow key={role.name} account={account} role={role} words={words} onKeys={() => onKeys(role)} />
            ))}
          </ul>
        )}
      </div>
    </li>
  );
}

/** How many roles, and of how many when a search left some out. */
function counted(shown: number, all: number): string {
  const roles = all === 1 ? '1 role' : `${all} roles`;
  return shown < all ? `${shown} of ${roles}` : roles;
}

interface RoleProps {
  account: Account;
  role: Role;
  words: string[];
  onKeys: () => void;
}

function RoleRow({ account, role, words, onKeys }: RoleProps) {
  const where = `${role.name} in ${account.name}`;
  return (
    <li className="role">
      <div className="role-words">
        <span className="role-name">
          <Marked text={role.name} words={words} />
        </span>
        {role.description !== '' && <span className="role-description">{role.description}</span>}
      </div>
      <span className="role-length">{role.sessionSeconds > 0 && `lasts ${roughly(role.sessionSeconds)}`}</span>
      <div className="role-actions">
        <a
          className="action"
          href={consoleAddress(account.id, role.name)}
          target="_blank"
          rel="noopener"
          aria-label={`Management console as ${where}, opens in a new tab`}
        >
          Management console
          <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" focusable="false">
            <path d="M6 3H3v10h10v-3M9 2.5h4.5V7M13 3 7.5 8.5" />
          </svg>
        </a>
        <button type="button" className="action" aria-label={`Access keys for ${where}`} onClick={onKeys}>
          Access keys
        </button>
      </div>
    </li>
  );
}

function Marked({ text, words }: { text: string; words: string[] }) {
  if (words.length === 0) {
    return text;
  }
  return highlight(text, words).map((piece, at) => (piece.found ? <mark key={at}>{piece.text}</mark> : piece.text));
}
