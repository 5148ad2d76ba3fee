import Button from '@cloudscape-design/components/button';
import { Fragment, useCallback, useState } from 'react';
import { Facts, OneEntry } from '../admin/log';
import { replayScimRequest, scimRequest } from '../api/admin';
import type { AdminClient, ScimChange, ScimReplay, ScimRequest, ScimResult } from '../api/admin';
import { wordsOf } from '../api/request';
import { CodeBlock } from '../credentials/code-block';
import { linkTo } from '../shell/navigate';
import { Trouble } from '../shell/trouble';
import { moment } from '../time/moment';
import { addressOf } from './place';
import type { Place } from './place';
import { aboutWhom, changeInWords, lineOf, Outcome } from './words';

interface Props {
  client: AdminClient;
  directory: string;
  id: string;
  place: Place;
  onSignedOut: () => void;
}

/** One request in full. */
export function OneRequest({ client, directory, id, place, onSignedOut }: Props) {
  const ask = useCallback((signal: AbortSignal) => scimRequest(client, directory, id, signal), [client, directory, id]);
  return (
    <OneEntry
      ask={ask}
      what="the request"
      list={addressOf({ ...place, request: undefined })}
      listText="All requests"
      onSignedOut={onSignedOut}
    >
      {(request) => (
        <>
          <RequestFacts request={request} place={place} />
          <Change change={request.change} />
          <Body request={request} />
          {request.outcome !== 'gap' && <Replay client={client} directory={directory} id={id} />}
        </>
      )}
    </OneEntry>
  );
}

function RequestFacts({ request: one, place }: { request: ScimRequest; place: Place }) {
  return (
    <Facts
      facts={[
        ['Request', <code key="line">{lineOf(one)}</code>],
        ['Time', moment(one.at, true)],
        ['Outcome', <Result key="outcome" result={one} />],
        ['About', aboutWhom(one)],
        ['ID', one.resourceId],
        ['External ID', one.externalId],
        [
          'Took',
          one.outcome === 'gap' ? '' : `${one.milliseconds.toLocaleString('en', { maximumFractionDigits: 1 })} ms`,
        ],
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
            <a key="bulk" {...linkTo(addressOf({ ...place, request: one.partOf }))}>
              a bulk request, as its operation {(one.operation ?? 0) + 1}
            </a>
          ),
        ],
      ]}
    />
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
          <table className="log">
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
    <Facts
      facts={[
        [
          'Now',
          <Fragment key="now">
            <Result result={replay.now} />
            {done !== '' && <span className="why">{done}</span>}
          </Fragment>,
        ],
        [
          'Then',
          replay.then && (
            <Fragment key="then">
              <Result result={replay.then} />
              <span className="why">{replay.same ? 'The same outcome.' : 'Another outcome.'}</span>
            </Fragment>
          ),
        ],
      ]}
    />
  );
}
