// Shows how far an upload is. Without script the form posts as any form does.
function send(form: HTMLFormElement, bar: HTMLProgressElement, said: HTMLElement): void {
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.upload.addEventListener("progress", (event) => {
    bar.hidden = false;
    bar.max = event.total;
    bar.value = event.loaded;
    said.textContent = `${Math.floor((100 * event.loaded) / Math.max(event.total, 1))} % sent`;
  });
  request.addEventListener("load", () => {
    if (request.status < 400 && request.responseURL) {
      window.location.assign(request.responseURL);
    } else {
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      document.title = page.title;
      document.querySelector("main")?.replaceWith(page.querySelector("main") ?? said);
      wire();
      document.querySelector<HTMLElement>(".problem")?.focus();
    }
  });
  request.addEventListener("error", () => {
    bar.hidden = true;
    said.textContent = "The connection broke. Nothing was loaded; send the file again.";
  });
  request.send(new FormData(form));
}

function wire(): void {
  const form = document.querySelector<HTMLFormElement>("form[data-upload]");
  const bar = form?.querySelector("progress");
  const said = form?.querySelector<HTMLElement>("[data-said]");
  if (!form || !bar || !said) return;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, bar, said);
  });
}

wire();
