import type { ScimChange, ScimRequest, ScimResource } from '../api/admin';

/** The outcomes of requests, in words for people. */
export const outcomes: Record<string, string> = {
  changed: 'Changed',
  unchanged: 'Nothing to change',
  read: 'Read',
  refused: 'Refused',
  failed: 'Failed',
  unauthenticated: 'Not let in',
  gap: 'Not recorded',
};

export function Outcome({ outcome }: { outcome: string }) {
  return (
    <span className="badge" data-outcome={outcome}>
      {outcomes[outcome] ?? outcome}
    </span>
  );
}

/** "group Engineering", "user 9067…", or nothing. */
export function aboutWhom({ kind, name, resourceId, externalId }: ScimResource): string {
  return [kind?.toLowerCase(), name ?? resourceId ?? externalId].filter(Boolean).join(' ');
}

/** What was done, in a few words: "created", "40 added, 1 removed". */
export function changeInWords(change: ScimChange | undefined): string {
  if (change === undefined) {
    return '';
  }
  const members = [
    change.added !== undefined && change.added > 0 && `${change.added.toLocaleString('en')} added`,
    change.removed !== undefined && change.removed > 0 && `${change.removed.toLocaleString('en')} removed`,
  ].filter(Boolean);
  return [change.action === 'changed' && members.length > 0 ? '' : change.action, members.join(', ')]
    .filter(Boolean)
    .join(', ');
}

/** The request line below the directory's own address. */
export function lineOf({ method, path, query, outcome, lost }: Partial<ScimRequest>): string {
  if (outcome === 'gap') {
    return `${(lost ?? 0).toLocaleString('en')} requests`;
  }
  return `${method ?? ''} ${(path ?? '').replace(/^\/scim\/[^/]+\/v2(?=\/)/, '')}${query ? `?${query}` : ''}`;
}
