import { html } from "hono/html";
import type { OAuthClient } from "./consents.ts";

type Html = ReturnType<typeof html>;

function page(title: string, body: Html): Html {
  return html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>${title}</title>
        <style>
          body { font: 16px/1.5 system-ui, sans-serif; background: #f0f4f9; margin: 0; }
          main { background: #fff; border-radius: 28px; margin: 8vh auto; max-width: 30rem; padding: 2rem; }
          h1 { font-size: 1.5rem; font-weight: 500; margin: 0 0 .5rem; }
          small { color: #5f6368; display: block; margin-bottom: 1.5rem; }
          label { display: block; margin: .5rem 0; }
          menu { display: flex; gap: .5rem; justify-content: flex-end; padding: 0; }
          button { border: 0; border-radius: 99px; cursor: pointer; font: inherit; padding: .5rem 1.5rem; }
          button[value=approve] { background: #0b57d0; color: #fff; }
        </style>
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html>
  `;
}

/** The page that asks a person whether an app may have what it wants. */
export function consentPage(request: {
  /** The provider as people know it. */
  provider: string;
  /** Where the form goes. */
  action: string;
  client: OAuthClient;
  scopes: readonly string[];
  /** What a scope means, in words. */
  scopeTexts: Readonly<Record<string, string>>;
  accounts: readonly string[];
  chosen: string;
  query: URLSearchParams;
}): Html {
  return page(
    `Sign in – simulated ${request.provider}`,
    html`
      <h1>${request.client.name} wants access to your ${request.provider} Account</h1>
      <small>Simulated ${request.provider}: no real account is involved.</small>
      <form method="post" action="${request.action}">
            ${[...request.query].map(([name, value]) =>
              html`
                <input type="hidden" name="${name}" value="${value}">
              `
            )}
            <label>Account <select name="account">${request.accounts.map((email) =>
              html`
                <option${email === request.chosen ? " selected" : ""}>${email}</option>
              `
            )}
            </select></label>
            ${request.scopes.map((scope) =>
              html`
                <label><input type="checkbox" name="granted" value="${scope}" checked>
                        ${request.scopeTexts[scope] ?? scope}</label>
              `
            )}
            <menu>
              <button name="decision" value="deny">Cancel</button>
              <button name="decision" value="approve">Continue</button>
            </menu>
          </form>
    `,
  );
}

/** The page a provider shows instead of redirecting when it does not trust the address. */
export function errorPage(status: number, code: string, explanation: string): Html {
  return page(
    `Error ${status}: ${code}`,
    html`
      <h1>Access blocked: this app’s request is invalid</h1>
      <p>${explanation}</p>
      <small>Error ${status}: ${code}</small>
    `,
  );
}
