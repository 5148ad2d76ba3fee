import { AdminPage } from '../admin/admin-page';
import type { AdminPageProps } from '../admin/admin-page';
import { go, useSearch } from '../shell/navigate';
import { OneRequest } from './one-request';
import { addressOf, placeOf } from './place';
import { RequestsList } from './requests-list';

/** The log of SCIM requests. */
export default function RequestsPage(props: AdminPageProps) {
  const place = placeOf(useSearch());
  const shown = place.request;
  return (
    <AdminPage
      {...props}
      title={shown === undefined ? 'SCIM requests' : 'One SCIM request'}
      lead={
        shown === undefined
          ? 'What identity providers asked for, what became of it and why. Passwords and tokens are masked.'
          : 'What was asked, what it changed or why it was refused, and what would become of it now.'
      }
      shown={shown}
      needs="gatehouse:ListDirectories, ListScimRequests, GetScimRequest and ReplayScimRequests"
      command="gatehouse directory requests"
    >
      {(client) =>
        shown === undefined ? (
          <RequestsList
            key={client.role}
            client={client}
            place={place}
            onPlace={(to) => go(addressOf(to))}
            onSignedOut={props.onSignedOut}
          />
        ) : (
          <OneRequest
            key={`${client.role} ${shown}`}
            client={client}
            directory={place.directory}
            id={shown}
            place={place}
            onSignedOut={props.onSignedOut}
          />
        )
      }
    </AdminPage>
  );
}
