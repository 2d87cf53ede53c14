// Markup from this server is the only markup that pages take in, and it never holds a script:
// what people wrote is escaped in it, so that `<script` can only be our own mistake.
const policy = globalThis.trustedTypes?.createPolicy("twinvault", {
  createHTML(markup) {
    if (/<script[\s/>]/i.test(markup)) throw new TypeError("a script in markup");
    return markup;
  },
  createScript() {
    throw new TypeError("a script in markup");
  },
});
htmx.registerExtension("trusted", {
  init(api) {
    if (policy) api.initSecurity(policy);
  },
});
