import Button from '@cloudscape-design/components/button';
import { useEffect, useRef, useState } from 'react';
import { whenItFails, wordsOf } from '../api/request';
import { Loading } from '../shell/loading';
import { linkTo } from '../shell/navigate';
import { Trouble } from '../shell/trouble';

/** How many entries are asked for at a time. */
export const pageSize = '50';

/** A page of a log: its entries, newest first, and the cursor of the next one, empty on the last. */
export interface LogPage<Entry> {
  entries: Entry[];
  next: string;
}

type State<Entry> = { kind: 'loading' } | ({ kind: 'here' } & LogPage<Entry>) | { kind: 'failed'; why: string };

export interface Log<Entry> {
  state: State<Entry>;
  /** What becomes of the request for older entries. */
  more: 'idle' | 'busy' | { why: string };
  older: () => void;
  again: () => void;
}

/** Reads a log page by page. `ask` is another function when the question is another; then everything begins anew. */
export function useLog<Entry>(
  ask: (before: string, signal?: AbortSignal) => Promise<LogPage<Entry>>,
  onSignedOut: () => void,
): Log<Entry> {
  const [state, setState] = useState<State<Entry>>({ kind: 'loading' });
  const [more, setMore] = useState<'idle' | 'busy' | { why: string }>('idle');
  const [attempt, setAttempt] = useState(0);
  const asked = useRef({});

  useEffect(() => {
    asked.current = {};
    const controller = new AbortController();
    setState({ kind: 'loading' });
    setMore('idle');
    ask('', controller.signal).then(
      (page) => setState({ kind: 'here', ...page }),
      whenItFails(controller.signal, onSignedOut, (why) => setState({ kind: 'failed', why })),
    );
    return () => controller.abort();
  }, [ask, attempt, onSignedOut]);

  async function older() {
    if (state.kind !== 'here') {
      return;
    }
    const question = asked.current;
    setMore('busy');
    try {
      const page = await ask(state.next);
      if (question === asked.current) {
        setState({ kind: 'here', entries: [...state.entries, ...page.entries], next: page.next });
        setMore('idle');
      }
    } catch (cause) {
      if (question === asked.current) {
        setMore({ why: wordsOf(cause) });
      }
    }
  }

  return { state, more, older: () => void older(), again: () => setAttempt((n) => n + 1) };
}

interface TableProps<Entry> {
  log: Log<Entry>;
  /** What the entries are, in the plural and in small letters. */
  what: string;
  /** The table's name. */
  label: string;
  columns: string[];
  /** Shown instead of an empty table. */
  empty: React.ReactNode;
  onAgain: () => void;
  /** A row of the table. */
  children: (entry: Entry) => React.ReactNode;
}

export function LogTable<Entry>({ log, what, label, columns, empty, onAgain, children }: TableProps<Entry>) {
  const { state, more, older } = log;
  switch (state.kind) {
    case 'loading':
      return <Loading what={what} />;
    case 'failed':
      return <Trouble title={`The ${what} could not be loaded`} why={state.why} onRetry={onAgain} />;
    default:
  }
  if (state.entries.length === 0 && state.next === '') {
    return (
      <div className="nothing" role="status">
        {empty}
      </div>
    );
  }
  return (
    <>
      <div className="accounts table-frame" role="region" aria-label={label} tabIndex={0}>
        <table className="log">
          <thead>
            <tr>
              {columns.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{state.entries.map(children)}</tbody>
        </table>
      </div>
      <p role="status" className="sr-only">
        {state.entries.length.toLocaleString('en')} {what} are shown{state.next === '' ? ', which is all' : ''}.
      </p>
      {typeof more === 'object' && <Trouble title={`Older ${what} could not be loaded`} why={more.why} />}
      <div className="sessions-below">
        {state.next !== '' && (
          <Button loading={more === 'busy'} loadingText={`Loading older ${what}`} onClick={older}>
            Show older {what}
          </Button>
        )}
      </div>
    </>
  );
}

interface OneProps<Entry> {
  /** Another function asks for another entry. */
  ask: (signal: AbortSignal) => Promise<Entry>;
  /** What the entry is, in a sentence: "the request". */
  what: string;
  /** The address of the list, and the words of the link to it. */
  list: string;
  listText: string;
  onSignedOut: () => void;
  children: (entry: Entry) => React.ReactNode;
}

/** One entry of a log, below a link back to the list. */
export function OneEntry<Entry>({ ask, what, list, listText, onSignedOut, children }: OneProps<Entry>) {
  const [state, setState] = useState<
    { kind: 'loading' } | { kind: 'here'; entry: Entry } | { kind: 'failed'; why: string }
  >({ kind: 'loading' });
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    const controller = new AbortController();
    setState({ kind: 'loading' });
    ask(controller.signal).then(
      (entry) => setState({ kind: 'here', entry }),
      whenItFails(controller.signal, onSignedOut, (why) => setState({ kind: 'failed', why })),
    );
    return () => controller.abort();
  }, [ask, attempt, onSignedOut]);

  return (
    <>
      <p className="way-back">
        <a {...linkTo(list)}>{listText}</a>
      </p>
      {state.kind === 'loading' && <Loading what={what} />}
      {state.kind === 'failed' && (
        <Trouble
          title={`${what.charAt(0).toUpperCase()}${what.slice(1)} could not be loaded`}
          why={state.why}
          onRetry={() => setAttempt((n) => n + 1)}
        />
      )}
      {state.kind === 'here' && children(state.entry)}
    </>
  );
}

/** Names and what stands behind them; what is not there is left out. */
export function Facts({ facts }: { facts: [name: string, what: React.ReactNode][] }) {
  return (
    <dl className="facts">
      {facts
        .filter(([, what]) => what !== undefined && what !== '')
        .map(([name, what]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{what}</dd>
          </div>
        ))}
    </dl>
  );
}
