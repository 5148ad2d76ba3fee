import Button from '@cloudscape-design/components/button';
import { useEffect, useState } from 'react';
import { replayScimRequest, scimRequest } from '../api/admin';
import type { AdminClient, ScimChange, ScimReplay, ScimRequest, ScimResult } from '../api/admin';
import { wordsOf } from '../api/request';
import { CodeBlock } from '../credentials/code-block';
import { Trouble } from '../shell/trouble';
import { moment } from '../time/moment';
import { Loading } from './loading';
import { addressOf, follow } from './place';
import type { Place } from './place';
import { aboutWhom, changeInWords, lineOf, Outcome } from './words';

type State = { kind: 'loading' } | { kind: 'here'; request: ScimRequest } | { kind: 'failed'; why: string };

interface Props {
  client: AdminClient;
  directory: string;
  id: string;
  place: Place;
}

/** One request in full. */
export function OneRequest({ client, directory, id, place }: Props) {
  const [state, setState] = useState<State>({ kind: 'loading' });
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    const controller = new AbortController();
    scimRequest(client, directory, id, controller.signal).then(
      (request) => setState({ kind: 'here', request }),
      (cause: unknown) => {
        if (!controller.signal.aborted) {
          setState({ kind: 'failed', why: wordsOf(cause) });
        }
      },
    );
    return () => controller.abort();
  }, [client, directory, id, attempt]);

  const list = { ...place, request: undefined };
  return (
    <>
      <p className="way-back">
        <a href={addressOf(list)} onClick={follow(list)}>
          All requests
        </a>
      </p>
      {state.kind === 'loading' && <Loading what="the request" />}
      {state.kind === 'failed' && (
        <Trouble
          title="The request could not be loaded"
          why={state.why}
          onRetry={() => {
            setState({ kind: 'loading' });
            setAttempt((n) => n + 1);
          }}
        />
      )}
      {state.kind === 'here' && (
        <>
          <Facts request={state.request} place={place} />
          <Change change={state.request.change} />
          <Body request={state.request} />
          {state.request.outcome !== 'gap' && <Replay client={client} directory={directory} id={id} />}
        </>
      )}
    </>
  );
}

function Facts({ request: one, place }: { request: ScimRequest; place: Place }) {
  const bulk = { ...place, request: one.partOf };
  const facts: [string, React.ReactNode][] = [
    ['Request', <code key="line">{lineOf(one)}</code>],
    ['Time', moment(one.at, true)],
    ['Outcome', <Result key="outcome" result={one} />],
    ['About', aboutWhom(one)],
    ['ID', one.resourceId],
    ['External ID', one.externalId],
    ['Took', one.outcome === 'gap' ? '' : `${one.milliseconds.toLocaleString('en', { maximumFractionDigits: 1 })} ms`],
    ['From', [one.clientAddress, one.userAgent].filter(Boolean).join(', ')],
    ['Token', one.tokenId],
    [
      'Conditions',
      [one.ifMatch && `If-Match ${one.ifMatch}`, one.ifNoneMatch && `If-None-Match ${one.ifNoneMatch}`]
        .filter(Boolean)
        .join(', '),
    ],
    ['Request ID', one.requestId],
    [
      'Operations',
      one.operations === undefined
        ? ''
        : `${one.operations.toLocaleString('en')}, of which ${(one.failedOperations ?? 0).toLocaleString('en')} failed`,
    ],
    [
      'Part of',
      one.partOf && (
        <a key="bulk" href={addressOf(bulk)} onClick={follow(bulk)}>
          a bulk request, as its operation {(one.operation ?? 0) + 1}
        </a>
      ),
    ],
  ];
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

/** Outcome, status, and why. */
function Result({ result }: { result: ScimResult }) {
  return (
    <>
      <Outcome outcome={result.outcome} />
      {result.status > 0 && ` HTTP ${result.status}`}
      {result.scimType !== undefined && ` ${result.scimType}`}
      {result.why !== undefined && <span className="why">{result.why}</span>}
    </>
  );
}

function Change({ change }: { change: ScimChange | undefined }) {
  if (change === undefined) {
    return null;
  }
  const words = changeInWords(change);
  return (
    <section aria-labelledby="change-title">
      <h2 id="change-title" className="part">
        {words === 'changed' ? 'Change' : `Change: ${words}`}
      </h2>
      {(change.attributes ?? []).length > 0 && (
        <div className="accounts table-frame" role="region" aria-label="Attributes that changed" tabIndex={0}>
          <table className="requests">
            <thead>
              <tr>
                <th scope="col">Attribute</th>
                <th scope="col">Before</th>
                <th scope="col">After</th>
              </tr>
            </thead>
            <tbody>
              {change.attributes?.map((one) => (
                <tr key={one.attribute}>
                  <th scope="row">{one.attribute}</th>
                  <td>{valueOf(one.before)}</td>
                  <td>{valueOf(one.after)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Members what="Added" count={change.added} ids={change.addedIds} />
      <Members what="Removed" count={change.removed} ids={change.removedIds} />
      {change.cut === true && <p className="soft">Some of the change was too long to be kept.</p>}
    </section>
  );
}

function Members({
  what,
  count = 0,
  ids = [],
}: {
  what: string;
  count: number | undefined;
  ids: string[] | undefined;
}) {
  if (count === 0) {
    return null;
  }
  return (
    <p className="members">
      {what}: {ids.map((id, at) => [at > 0 && ', ', <code key={id}>{id}</code>])}
      {count > ids.length && ` and ${(count - ids.length).toLocaleString('en')} more`}
    </p>
  );
}

function valueOf(value: unknown): React.ReactNode {
  if (value === undefined || value === null) {
    return <span className="soft">none</span>;
  }
  return <code>{typeof value === 'string' ? value : JSON.stringify(value)}</code>;
}

function Body({ request: one }: { request: ScimRequest }) {
  if (one.body === undefined && one.bodyProblem === undefined) {
    return null;
  }
  const size = one.bodySize === undefined ? '' : `${one.bodySize.toLocaleString('en')} bytes`;
  return (
    <section aria-labelledby="body-title">
      <h2 id="body-title" className="part">
        Body
      </h2>
      {one.bodyProblem !== undefined && (
        <p>
          It was not kept ({size}): {one.bodyProblem}
        </p>
      )}
      {one.body !== undefined && (
        <CodeBlock
          lead={`${size}${one.contentType === undefined ? '' : `, ${one.contentType}`}${one.bodyCut === true ? '; only its beginning was kept' : ''}. Secrets are masked.`}
          what="the body"
          text={indented(one.body)}
        />
      )}
    </section>
  );
}

/** JSON with a line for each member; anything else as it is. */
function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function Replay({ client, directory, id }: { client: AdminClient; directory: string; id: string }) {
  const [state, setState] = useState<'idle' | 'busy' | { replay: ScimReplay } | { why: string }>('idle');

  async function replay() {
    setState('busy');
    try {
      setState({ replay: await replayScimRequest(client, directory, id) });
    } catch (cause) {
      setState({ why: wordsOf(cause) });
    }
  }

  return (
    <section aria-labelledby="replay-title">
      <h2 id="replay-title" className="part">
        What would become of it now
      </h2>
      <p className="soft">The request is done once more against the present state, and everything is undone again.</p>
      <div className="replay-run">
        <Button loading={state === 'busy'} loadingText="Rehearsing" onClick={() => void replay()}>
          Rehearse
        </Button>
      </div>
      <div role="status">{typeof state === 'object' && 'replay' in state && <Rehearsal replay={state.replay} />}</div>
      {typeof state === 'object' && 'why' in state && <Trouble title="It could not be rehearsed" why={state.why} />}
    </section>
  );
}

function Rehearsal({ replay }: { replay: ScimReplay }) {
  if (replay.now === undefined) {
    return <p>It cannot be rehearsed: {replay.skipped}</p>;
  }
  const done = changeInWords(replay.now.change);
  return (
    <dl className="facts">
      <div>
        <dt>Now</dt>
        <dd>
          <Result result={replay.now} />
          {done !== '' && <span className="why">{done}</span>}
        </dd>
      </div>
      {replay.then !== undefined && (
        <div>
          <dt>Then</dt>
          <dd>
            <Result result={replay.then} />
            <span className="why">{replay.same ? 'The same outcome.' : 'Another outcome.'}</span>
          </dd>
        </div>
      )}
    </dl>
  );
}
