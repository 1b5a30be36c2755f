// A link to another site is noted as the exit: the site alone, never the page.
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a[href]") : null;
  if (!link || !link.protocol.startsWith("http") || link.origin === location.origin) return;
  navigator.sendBeacon("/activity/exit", new URLSearchParams({ site: link.origin }));
});
