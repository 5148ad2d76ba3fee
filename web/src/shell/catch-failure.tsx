import { Component } from 'react';
import type { ReactNode } from 'react';

/** Where a fault of the portal itself ends: a sentence and a way on, instead of an empty page. */
export class CatchFailure extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) {
      return this.props.children;
    }
    // Nothing of the design system here: it may be what failed.
    return (
      <main role="alert" className="failed">
        <h1>The portal has stopped</h1>
        <p>
          Either Gatehouse was just updated, or this is a fault in it. Your session and your access are not affected.
        </p>
        <p>
          <a href="/start/">Open the portal again</a>
        </p>
      </main>
    );
  }
}
