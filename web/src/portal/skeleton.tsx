/** The shape of what is coming. The status is for those who do not see the shape. */
export function Skeleton() {
  return (
    <div className="skeleton">
      <p role="status" className="sr-only">
        Loading accounts
      </p>
      <div aria-hidden="true">
        <div className="skeleton-search" />
        <ul className="accounts">
          {Array.from({ length: 8 }, (_, i) => (
            <li key={i} className="skeleton-row">
              <span />
              <span />
              <span />
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
