// Passkeys: the one script of these pages. Without it everything else works; with it the buttons for passkeys appear.
'use strict';

(() => {
  if (!window.PublicKeyCredential || !navigator.credentials) {
    return;
  }
  const toBytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  const described = (list) => (list ?? []).map((each) => ({ ...each, id: toBytes(each.id) }));

  const post = async (path, body) => {
    const answer = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    const data = await answer.json();
    if (!answer.ok) {
      throw new Error(data.error);
    }
    return data;
  };

  const get = async () => {
    const returnTo = document.querySelector('[name=return_to]')?.value ?? '';
    const { options } = await post('/signin/passkey/ask', { returnTo });
    const publicKey = { ...options, challenge: toBytes(options.challenge), allowCredentials: described(options.allowCredentials) };
    const found = await navigator.credentials.get({ publicKey });
    const { authenticatorData, clientDataJSON, signature, userHandle } = found.response;
    return post('/signin/passkey/answer', {
      credential: {
        id: found.id,
        rawId: toText(found.rawId),
        type: found.type,
        clientExtensionResults: {},
        response: {
          authenticatorData: toText(authenticatorData),
          clientDataJSON: toText(clientDataJSON),
          signature: toText(signature),
          ...(userHandle ? { userHandle: toText(userHandle) } : {}),
        },
      },
    });
  };

  const create = async (security) => {
    const { options } = await post('/signin/passkey/begin', { security });
    const publicKey = {
      ...options,
      challenge: toBytes(options.challenge),
      user: { ...options.user, id: toBytes(options.user.id) },
      excludeCredentials: described(options.excludeCredentials),
    };
    const made = await navigator.credentials.create({ publicKey });
    return post('/signin/passkey/finish', {
      security,
      name: document.querySelector('[data-passkey-name]')?.value ?? '',
      credential: {
        id: made.id,
        rawId: toText(made.rawId),
        type: made.type,
        clientExtensionResults: {},
        response: {
          attestationObject: toText(made.response.attestationObject),
          clientDataJSON: toText(made.response.clientDataJSON),
          transports: made.response.getTransports?.() ?? [],
        },
      },
    });
  };

  const problem = document.querySelector('[data-problem]');
  const say = (text) => {
    problem.textContent = text;
    problem.hidden = text === '';
  };

  const arrive = ({ location: to, codes }) => {
    if (!codes) {
      window.location.assign(to);
      return;
    }
    const part = document.querySelector('[data-codes]');
    for (const each of codes) {
      const code = document.createElement('code');
      code.textContent = each;
      part.querySelector('ul').appendChild(document.createElement('li')).appendChild(code);
    }
    document.querySelector('[data-register]').hidden = true;
    part.hidden = false;
    part.focus();
  };

  for (const part of document.querySelectorAll('[data-passkey-part]')) {
    part.hidden = false;
  }
  for (const button of document.querySelectorAll('[data-passkey]')) {
    button.hidden = false;
    button.addEventListener('click', async () => {
      say('');
      button.disabled = true;
      try {
        arrive(await (button.dataset.passkey === 'create' ? create(button.dataset.security === 'true') : get()));
      } catch (error) {
        // What the browser says when the person turns away or takes too long is not for people.
        say(error instanceof DOMException ? 'No passkey was used. Try again, or go on without.' : error.message);
      } finally {
        button.disabled = false;
      }
    });
  }
})();
