/** Two towers and a gate between them. Decorative: the name is always written beside it. */
export function Logo() {
  return (
    <svg className="logo" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true" focusable="false">
      <path
        className="logo-walls"
        fillRule="evenodd"
        d="M3 4h2v2h1V4h2v2h1V4h2v8h10V4h2v2h1V4h2v2h1V4h2v24h-8v-7a5 5 0 0 0-10 0v7H3zm3.2 8h1.6v5H6.2zm18 0h1.6v5h-1.6z"
      />
      <path className="logo-gate" d="M14.2 18.2V28M17.8 18.2V28M12.2 22.5h7.6" />
    </svg>
  );
}
