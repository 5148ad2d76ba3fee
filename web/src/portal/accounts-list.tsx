import TextFilter from '@cloudscape-design/components/text-filter';
import type { TextFilterProps } from '@cloudscape-design/components/text-filter';
import Button from '@cloudscape-design/components/button';
import { useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import type { Account, Role } from '../api/portal';
import { AccountRow } from './account-row';
import { Pages } from './pages';
import { moveBetweenRows } from './row-keys';
import { index, search, terms } from './search';
import type { Match } from './search';

/** Rows on a page: enough to scroll through, few enough that a keystroke redraws them unseen. */
const pageSize = 50;

/** So few that hiding the roles would only cost a click. */
const fewEnoughToOpen = 3;

interface Props {
  accounts: Account[];
  onKeys: (account: Account, role: Role) => void;
  /** An account was opened, so keys may be asked for next. */
  onKeysLikely: () => void;
}

export function AccountsList({ accounts, onKeys, onKeysLikely }: Props) {
  const [query, setQuery] = useState('');
  const [page, setPage] = useState(1);
  // What the person opened or closed by hand, which outweighs what opens by itself.
  const [byHand, setByHand] = useState<ReadonlyMap<string, boolean>>(new Map());
  const section = useRef<HTMLElement>(null);
  const input = useSlashToSearch();

  const entries = useMemo(() => index(accounts), [accounts]);
  const shownQuery = useDeferredValue(query);
  const matches = useMemo(() => search(entries, shownQuery), [entries, shownQuery]);
  const words = useMemo(() => terms(shownQuery), [shownQuery]);
  const pages = Math.max(1, Math.ceil(matches.length / pageSize));
  const current = Math.min(page, pages);
  const shown = matches.slice((current - 1) * pageSize, current * pageSize);

  const isOpen = (match: Match) => byHand.get(match.account.id) ?? (match.byRole || matches.length <= fewEnoughToOpen);

  function ask(text: string) {
    setQuery(text);
    setPage(1);
  }

  function toggle(match: Match) {
    onKeysLikely();
    setByHand(new Map(byHand).set(match.account.id, !isOpen(match)));
  }

  function pageFromBelow(next: number) {
    setPage(next);
    // The new rows begin out of sight; whoever asked for them wants the first.
    section.current?.scrollIntoView();
    section.current?.focus();
  }

  return (
    <section ref={section} tabIndex={-1} aria-label="Accounts and roles" className="accounts-section">
      <div className="accounts-tools">
        <TextFilter
          ref={input}
          filteringText={query}
          filteringAriaLabel="Search accounts and roles"
          filteringPlaceholder="Search by account name, number, e-mail or role"
          filteringClearAriaLabel="Clear the search"
          countText={words.length > 0 ? counted(matches.length) : ''}
          onChange={({ detail }) => ask(detail.filteringText)}
        />
        <Pages page={current} pages={pages} label="Pages of accounts" onPage={setPage} />
      </div>
      {matches.length === 0 ? (
        <div className="nothing">
          <h2>No account matches</h2>
          <p>Nothing you can reach has “{shownQuery.trim()}” in its name, number, e-mail address or roles.</p>
          <Button onClick={() => ask('')}>Clear the search</Button>
        </div>
      ) : (
        <ul className="accounts" onKeyDown={moveBetweenRows}>
          {shown.map((match) => (
            <AccountRow
              key={match.account.id}
              match={match}
              words={words}
              open={isOpen(match)}
              onToggle={() => toggle(match)}
              onKeys={(role) => onKeys(match.account, role)}
            />
          ))}
        </ul>
      )}
      <div className="accounts-below">
        <Pages page={current} pages={pages} label="Pages of accounts, below the list" onPage={pageFromBelow} />
      </div>
    </section>
  );
}

function counted(found: number): string {
  return found === 1 ? '1 account' : `${found.toLocaleString('en')} accounts`;
}

/** The key `/` goes to the search, as in many lists; not while typing, and not under a dialog. */
function useSlashToSearch() {
  const input = useRef<TextFilterProps.Ref>(null);
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const at = event.target instanceof Element ? event.target : document.body;
      const busy = at.closest('input:not([type=radio]), textarea, select, [role=dialog], [role=menu]') !== null;
      if (event.key === '/' && !busy && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        input.current?.focus();
      }
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, []);
  return input;
}
