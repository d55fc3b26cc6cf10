// Says by itself that the session has ended, whoever has ended it.
const REASONS = {
  revoked: "You were logged out on another device.",
  evicted: "You were logged out, because you have logged in on one more device.",
  expired: "Your session has expired.",
};

const events = new EventSource("/ended");
events.addEventListener("ended", ({ data }) => {
  events.close();
  const notice = document.createElement("p");
  notice.className = "notice";
  notice.role = "alert";
  notice.append(REASONS[data] ?? "You were logged out.", " ");
  const link = document.createElement("a");
  link.href = "/login";
  link.textContent = "Log in again";
  notice.append(link);
  document.querySelector("main").prepend(notice);
});
