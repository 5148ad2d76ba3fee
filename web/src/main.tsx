import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { followTheme } from './look/mode';
import { CatchFailure } from './shell/catch-failure';
import './look/look';

const root = document.getElementById('root');
if (root === null) {
  throw new Error('index.html has no #root');
}
followTheme();
createRoot(root).render(
  <StrictMode>
    <CatchFailure>
      <App />
    </CatchFailure>
  </StrictMode>,
);
