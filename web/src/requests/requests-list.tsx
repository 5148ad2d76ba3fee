import { useCallback, useEffect, useRef, useState } from 'react';
import { LogTable, pageSize, useLog } from '../admin/log';
import { directories as fetchDirectories, scimRequests } from '../api/admin';
import type { AdminClient, Directory, ScimRequest } from '../api/admin';
import { whenItFails } from '../api/request';
import { Loading } from '../shell/loading';
import { linkTo } from '../shell/navigate';
import { Trouble } from '../shell/trouble';
import { moment } from '../time/moment';
import { addressOf, ways } from './place';
import type { By, Place } from './place';
import { aboutWhom, changeInWords, lineOf, Outcome, outcomes } from './words';

const spans: [value: string, text: string, hours: number][] = [
  ['', 'Any time', 0],
  ['1h', 'The last hour', 1],
  ['1d', 'The last day', 24],
  ['7d', 'The last week', 168],
];

const wayNames: Record<By, string> = { name: 'Name', externalId: 'External ID', resource: 'ID' };

interface Props {
  client: AdminClient;
  place: Place;
  onPlace: (place: Place) => void;
  onSignedOut: () => void;
}

export function RequestsList({ client, place, onPlace, onSignedOut }: Props) {
  const [directories, setDirectories] = useState<Directory[] | { why: string }>();
  const [attempt, setAttempt] = useState(0);
  const section = useRef<HTMLElement>(null);

  useEffect(() => {
    const controller = new AbortController();
    fetchDirectories(client, controller.signal).then(
      setDirectories,
      whenItFails(controller.signal, onSignedOut, (why) => setDirectories({ why })),
    );
    return () => controller.abort();
  }, [client, attempt, onSignedOut]);

  function again() {
    setAttempt((n) => n + 1);
    section.current?.focus();
  }

  const known = Array.isArray(directories) ? directories : undefined;
  const there = { ...place, directory: place.directory || known?.[0]?.id || '' };
  return (
    <section ref={section} tabIndex={-1} aria-label="Requests" className="accounts-section">
      <Tools key={addressOf(there)} directories={known} place={there} onPlace={onPlace} onAgain={again} />
      {directories === undefined && there.directory === '' && <Loading what="directories" />}
      {directories !== undefined && 'why' in directories && (
        <Trouble title="The directories could not be loaded" why={directories.why} onRetry={again} />
      )}
      {there.directory !== '' && (
        <Requests key={attempt} client={client} place={there} onAgain={again} onSignedOut={onSignedOut} />
      )}
    </section>
  );
}

function Requests({ client, place, onAgain, onSignedOut }: Omit<Props, 'onPlace'> & { onAgain: () => void }) {
  const { directory, outcome, by, text, since } = place;
  const ask = useCallback(
    async (before: string, signal?: AbortSignal) => {
      const query = { ...queryOf({ outcome, by, text, since }), before };
      const page = await scimRequests(client, directory, query, signal);
      return { entries: page.requests, next: page.next };
    },
    [client, directory, outcome, by, text, since],
  );
  const log = useLog(ask, onSignedOut);
  const filtered = outcome !== '' || text !== '' || since !== '';
  return (
    <LogTable
      log={log}
      what="requests"
      label="SCIM requests, newest first"
      columns={['Time', 'Request', 'Outcome', 'About', 'Change or reason']}
      onAgain={onAgain}
      empty={
        <>
          <h2>{filtered ? 'No request matches' : 'No requests yet'}</h2>
          <p>
            {filtered
              ? 'Nothing in the log is what you look for. Names, IDs and external IDs are compared whole.'
              : 'Once the identity provider pushes to this directory, what it sends is listed here.'}
          </p>
        </>
      }
    >
      {(one: ScimRequest) => (
        <tr key={one.id}>
          <td className="nowrap">{moment(one.at, true)}</td>
          <th scope="row">
            <a {...linkTo(addressOf({ ...place, request: one.id }))}>
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
      )}
    </LogTable>
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
      className="log-tools"
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

function queryOf({ outcome, by, text, since }: Pick<Place, 'outcome' | 'by' | 'text' | 'since'>) {
  const hours = spans.find(([value]) => value === since)?.[2] ?? 0;
  return {
    limit: pageSize,
    outcome,
    ...(text !== '' && { [by]: text }),
    ...(hours > 0 && { since: new Date(Date.now() - hours * 3_600_000).toISOString() }),
  };
}
