// What pages need beyond htmx. Markup from this server is the only markup that they take in, and
// it never holds a script: what people wrote is escaped in it, so that `<script` can only be our
// own mistake.
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

const said = () => document.getElementById("said");

function say(words) {
  const told = document.createElement("p");
  told.className = "alert bad";
  told.textContent = words;
  said().replaceChildren(told);
}

document.addEventListener("htmx:error", ({ detail }) => {
  if (!detail.ctx || detail.ctx.response) return;
  say("Twinvault does not answer. Where it has ended, start twin up again and open the address that it prints.");
});

// A problem is shown at the top of the page, wherever on it the person was.
document.addEventListener("htmx:after:swap", () => {
  if (said()?.firstElementChild) said().scrollIntoView({ block: "nearest" });
});

// Two clicks on one button are one: what it sends is on its way.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.matches("[hx-post]")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "true";
  setTimeout(() => delete form.dataset.sent, 2000);
});

// In a conversation Enter sends; with Shift it begins a line.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  if (!event.target.matches("textarea[data-enter]")) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});

// htmx may have looked at the page before the extension that follows events was there.
document.addEventListener("DOMContentLoaded", () => {
  if (document.querySelector("[hx-sse\\:connect]")) htmx.process(document.body);
});

// Who was sent on is on the way: asking again would begin the way anew, and a slow page never came.
let isLeaving = false;
document.addEventListener("htmx:before:response", ({ detail }) => {
  isLeaving ||= detail.ctx.response.headers.has("HX-Redirect");
});
document.addEventListener("htmx:before:request", (event) => {
  if (isLeaving) event.preventDefault();
});
