import { useCallback, useRef, useState } from 'react';
import { AdminPage } from '../admin/admin-page';
import type { AdminPageProps } from '../admin/admin-page';
import { Facts, LogTable, OneEntry, pageSize, useLog } from '../admin/log';
import { signInFailure, signInFailures } from '../api/admin';
import type { AdminClient, SignInFailure } from '../api/admin';
import { CodeBlock } from '../credentials/code-block';
import { go, linkTo, useSearch, withQuery } from '../shell/navigate';
import { moment } from '../time/moment';

/** Sign-ins that failed: what was wrong, what can be done, and the message with personal values masked. */
export default function FailuresPage(props: AdminPageProps) {
  const shown = new URLSearchParams(useSearch()).get('ref') || undefined;
  return (
    <AdminPage
      {...props}
      title={shown === undefined ? 'Failed sign-ins' : 'One failed sign-in'}
      lead={
        shown === undefined
          ? 'What identity providers sent and this server refused in the last thirty days. Whoever was refused has seen the reference.'
          : 'Which check failed, what can be done, and what was sent. Personal values are masked.'
      }
      shown={shown}
      needs="gatehouse:ListSignInFailures and GetSignInFailure"
      command="gatehouse idp failures"
    >
      {(client) =>
        shown === undefined ? (
          <FailuresList key={client.role} client={client} onSignedOut={props.onSignedOut} />
        ) : (
          <OneFailure key={client.role} client={client} id={shown} onSignedOut={props.onSignedOut} />
        )
      }
    </AdminPage>
  );
}

function FailuresList({ client, onSignedOut }: { client: AdminClient; onSignedOut: () => void }) {
  const [reference, setReference] = useState('');
  const section = useRef<HTMLElement>(null);
  const ask = useCallback(
    async (before: string, signal?: AbortSignal) => {
      const page = await signInFailures(client, { limit: pageSize, before }, signal);
      return { entries: page.failures, next: page.next };
    },
    [client],
  );
  const log = useLog(ask, onSignedOut);

  function again() {
    log.again();
    section.current?.focus();
  }

  return (
    <section ref={section} tabIndex={-1} aria-label="Sign-ins" className="accounts-section">
      <form
        className="log-tools"
        role="search"
        aria-label="Failed sign-ins"
        onSubmit={(event) => {
          event.preventDefault();
          if (reference.trim() === '') {
            again();
          } else {
            go(addressOf(reference.trim()));
          }
        }}
      >
        <label className="field field-text">
          Reference that the person was shown
          <input type="search" value={reference} onChange={(event) => setReference(event.target.value)} />
        </label>
        <button type="submit" className="action">
          Open
        </button>
      </form>
      <LogTable
        log={log}
        what="failed sign-ins"
        label="Failed sign-ins, newest first"
        columns={['Time', 'Reason', 'Signed', 'Directory', 'What happened']}
        onAgain={again}
        empty={
          <>
            <h2>No sign-in failed</h2>
            <p>None that went through an identity provider was refused in the last thirty days.</p>
          </>
        }
      >
        {(one: SignInFailure) => (
          <tr key={one.ref}>
            <td className="nowrap">{moment(one.at, true)}</td>
            <th scope="row">
              <a {...linkTo(addressOf(one.ref))}>{one.reason}</a>
            </th>
            <td>
              <Signed vouched={one.vouched} />
            </td>
            <td>{one.directory}</td>
            <td>{one.why}</td>
          </tr>
        )}
      </LogTable>
    </section>
  );
}

/** Whether the identity provider said it; what it did not sign, anybody can have sent. */
function Signed({ vouched }: { vouched: boolean }) {
  return (
    <span className="badge" data-outcome={vouched ? undefined : 'gap'}>
      {vouched ? 'Signed' : 'Not signed'}
    </span>
  );
}

interface OneProps {
  client: AdminClient;
  id: string;
  onSignedOut: () => void;
}

function OneFailure({ client, id, onSignedOut }: OneProps) {
  const ask = useCallback((signal: AbortSignal) => signInFailure(client, id, signal), [client, id]);
  return (
    <OneEntry
      ask={ask}
      what="the sign-in"
      list={addressOf(undefined)}
      listText="All failed sign-ins"
      onSignedOut={onSignedOut}
    >
      {(one) => (
        <>
          <Facts
            facts={[
              ['What happened', one.why],
              ['What to do', one.advice],
              ['Reason', <code key="reason">{one.reason}</code>],
              [
                'Signed',
                one.vouched
                  ? 'Yes, by the identity provider.'
                  : 'No: anybody can have sent it, so trust nothing that it says.',
              ],
              ['Time', moment(one.at, true)],
              ['Directory', one.directory],
              ['From', one.clientAddress],
              ['Reference', <code key="ref">{one.ref}</code>],
              ['Answer to', one.requestId && <code key="request">{one.requestId}</code>],
              ['Kept until', moment(one.expires)],
            ]}
          />
          <section aria-labelledby="message-title">
            <h2 id="message-title" className="part">
              Message
            </h2>
            {one.message === undefined ? (
              <p>None was kept: what came could not be read as a SAML message.</p>
            ) : (
              <CodeBlock lead="Decoded. Personal values are masked." what="the message" text={one.message} />
            )}
          </section>
        </>
      )}
    </OneEntry>
  );
}

function addressOf(ref: string | undefined): string {
  return withQuery({ ref });
}
