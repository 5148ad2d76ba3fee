/** The shape of rows that are coming, and words for those who do not see it. */
export function Loading({ what }: { what: string }) {
  return (
    <div>
      <p role="status" className="sr-only">
        Loading {what}
      </p>
      <div aria-hidden="true" className="accounts skeleton">
        {[0, 1, 2, 3, 4].map((row) => (
          <div key={row} className="skeleton-row">
            <span />
            <span />
            <span />
          </div>
        ))}
      </div>
    </div>
  );
}
