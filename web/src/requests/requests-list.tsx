import Button from '@cloudscape-design/components/button';
import { useEffect, useRef, useState } from 'react';
import { directories as fetchDirectories, scimRequests } from '../api/admin';
import type { AdminClient, Directory, ScimRequest } from '../api/admin';
import { whenItFails, wordsOf } from '../api/request';
import { Trouble } from '../shell/trouble';
import { moment } from '../time/moment';
import { Loading } from './loading';
import { addressOf, follow, ways } from './place';
import type { By, Place } from './place';
import { aboutWhom, changeInWords, lineOf, Outcome, outcomes } from './words';

const pageSize = '50';

const spans: [value: string, text: string, hours: number][] = [
  ['', 'Any time', 0],
  ['1h', 'The last hour', 1],
  ['1d', 'The last day', 24],
  ['7d', 'The last week', 168],
];

const wayNames: Record<By, string> = { name: 'Name', externalId: 'External ID', resource: 'ID' };

type State =
  | { kind: 'loading' }
  | { kind: 'here'; directory: string; requests: ScimRequest[]; next: string }
  | { kind: 'failed'; why: string };

interface Props {
  client: AdminClient;
  place: Place;
  onPlace: (place: Place) => void;
  onSignedOut: () => void;
}

export function RequestsList({ client, place, onPlace, onSignedOut }: Props) {
  const [directories, setDirectories] = useState<Directory[]>();
  const [state, setState] = useState<State>({ kind: 'loading' });
  const [attempt, setAttempt] = useState(0);
  const [more, setMore] = useState<'idle' | 'busy' | { why: string }>('idle');
  const section = useRef<HTMLElement>(null);
  const { directory: named, outcome, by, text, since } = place;
  const asked = useRef('');
  asked.current = [named, outcome, by, text, since, attempt].join('\n');

  useEffect(() => {
    const controller = new AbortController();
    const ask = async () => {
      const all = await fetchDirectories(client, controller.signal);
      setDirectories(all);
      const directory = named || all[0]?.id;
      if (directory === undefined) {
        return setState({ kind: 'here', directory: '', requests: [], next: '' });
      }
      const page = await scimRequests(client, directory, queryOf({ outcome, by, text, since }), controller.signal);
      setState({ kind: 'here', directory, ...page });
    };
    setState({ kind: 'loading' });
    setMore('idle');
    ask().catch(whenItFails(controller.signal, onSignedOut, (why) => setState({ kind: 'failed', why })));
    return () => controller.abort();
  }, [client, named, outcome, by, text, since, attempt, onSignedOut]);

  async function older() {
    if (state.kind !== 'here') {
      return;
    }
    const question = asked.current;
    setMore('busy');
    try {
      const query = { ...queryOf(place), before: state.next };
      const page = await scimRequests(client, state.directory, query);
      if (question === asked.current) {
        setState({ ...state, requests: [...state.requests, ...page.requests], next: page.next });
        setMore('idle');
      }
    } catch (cause) {
      if (question === asked.current) {
        setMore({ why: wordsOf(cause) });
      }
    }
  }

  function again() {
    setAttempt((n) => n + 1);
    section.current?.focus();
  }

  const directory = state.kind === 'here' ? state.directory : named;
  const filtered = outcome !== '' || text !== '' || since !== '';
  return (
    <section ref={section} tabIndex={-1} aria-label="Requests" className="accounts-section">
      <Tools
        key={[named, outcome, by, text, since].join('\n')}
        directories={directories}
        place={{ ...place, directory }}
        onPlace={onPlace}
        onAgain={again}
      />
      {state.kind === 'loading' && <Loading what="requests" />}
      {state.kind === 'failed' && <Trouble title="The requests could not be loaded" why={state.why} onRetry={again} />}
      {state.kind === 'here' && state.requests.length === 0 && state.next === '' && (
        <div className="nothing" role="status">
          <h2>{filtered ? 'No request matches' : 'No requests yet'}</h2>
          <p>
            {filtered
              ? 'Nothing in the log is what you look for. Names, IDs and external IDs are compared whole.'
              : 'Once the identity provider pushes to this directory, what it sends is listed here.'}
          </p>
        </div>
      )}
      {state.kind === 'here' && (state.requests.length > 0 || state.next !== '') && (
        <>
          <Table requests={state.requests} place={{ ...place, directory }} />
          <p role="status" className="sr-only">
            {state.requests.length.toLocaleString('en')} requests are shown{state.next === '' ? ', which is all' : ''}.
          </p>
          {typeof more === 'object' && <Trouble title="Older requests could not be loaded" why={more.why} />}
          <div className="sessions-below">
            {state.next !== '' && (
              <Button loading={more === 'busy'} loadingText="Loading older requests" onClick={() => void older()}>
                Show older requests
              </Button>
            )}
          </div>
        </>
      )}
    </section>
  );
}

interface ToolsProps {
  directories: Directory[] | undefined;
  place: Place;
  onPlace: (place: Place) => void;
  onAgain: () => void;
}

/** What is looked for. Choices hold at once, text when it is sent off. */
function Tools({ directories, place, onPlace, onAgain }: ToolsProps) {
  const [text, setText] = useState(place.text);
  const [by, setBy] = useState(place.by);
  return (
    <form
      className="request-tools"
      role="search"
      aria-label="SCIM requests"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() === place.text && (by === place.by || text.trim() === '')) {
          onAgain();
        } else {
          onPlace({ ...place, by, text: text.trim() });
        }
      }}
    >
      <label className="field">
        Directory
        <select value={place.directory} onChange={(event) => onPlace({ ...place, directory: event.target.value })}>
          {(directories ?? [{ id: place.directory, name: '' }]).map((each) => (
            <option key={each.id} value={each.id}>
              {each.name !== '' && each.name !== each.id ? `${each.name} (${each.id})` : each.id}
            </option>
          ))}
          <option value="_">Requests to no directory</option>
        </select>
      </label>
      <label className="field">
        Outcome
        <select value={place.outcome} onChange={(event) => onPlace({ ...place, outcome: event.target.value })}>
          <option value="">All</option>
          {Object.entries(outcomes).map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        Time
        <select value={place.since} onChange={(event) => onPlace({ ...place, since: event.target.value })}>
          {spans.map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        Look for
        <select value={by} onChange={(event) => setBy(ways.find((way) => way === event.target.value) ?? 'name')}>
          {ways.map((way) => (
            <option key={way} value={way}>
              {wayNames[way]}
            </option>
          ))}
        </select>
      </label>
      <label className="field field-text">
        {wayNames[by]} of a user or group
        <input type="search" value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <button type="submit" className="action">
        Search
      </button>
    </form>
  );
}

function Table({ requests, place }: { requests: ScimRequest[]; place: Place }) {
  return (
    <div className="accounts table-frame" role="region" aria-label="SCIM requests, newest first" tabIndex={0}>
      <table className="requests">
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col">Request</th>
            <th scope="col">Outcome</th>
            <th scope="col">About</th>
            <th scope="col">Change or reason</th>
          </tr>
        </thead>
        <tbody>
          {requests.map((one) => {
            const there = { ...place, request: one.id };
            return (
              <tr key={one.id}>
                <td className="nowrap">{moment(one.at, true)}</td>
                <th scope="row">
                  <a href={addressOf(there)} onClick={follow(there)}>
                    {lineOf({
                      ...one,
                      query: one.query && one.query.length > 80 ? `${one.query.slice(0, 80)}…` : one.query,
                    })}
                  </a>
                </th>
                <td>
                  <Outcome outcome={one.outcome} />
                </td>
                <td>{aboutWhom(one)}</td>
                <td>{one.why ?? changeInWords(one.change)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function queryOf({ outcome, by, text, since }: Pick<Place, 'outcome' | 'by' | 'text' | 'since'>) {
  const hours = spans.find(([value]) => value === since)?.[2] ?? 0;
  return {
    limit: pageSize,
    outcome,
    ...(text !== '' && { [by]: text }),
    ...(hours > 0 && { since: new Date(Date.now() - hours * 3_600_000).toISOString() }),
  };
}
