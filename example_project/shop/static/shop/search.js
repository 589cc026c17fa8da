// Two small comforts; the shop works without them.
(() => {
  "use strict";

  // Choosing an order applies it.
  document.querySelectorAll("[data-submit]").forEach((field) => {
    field.addEventListener("change", () => field.form.submit());
  });

  // Typing into the search field suggests books.
  const form = document.querySelector("[data-suggest]");
  const field = form.querySelector("input");
  const list = form.querySelector("ul");
  let waiting;
  let latest = 0;

  const hide = () => { list.hidden = true; };

  const show = (books) => {
    list.replaceChildren(...books.map((book) => {
      const link = document.createElement("a");
      link.href = book.url;
      link.textContent = book.title;
      const author = document.createElement("span");
      author.textContent = book.author;
      link.append(author);
      const item = document.createElement("li");
      item.append(link);
      return item;
    }));
    list.hidden = books.length === 0;
  };

  const suggest = async () => {
    const asked = ++latest;
    const response = await fetch(`${form.dataset.suggest}?q=${encodeURIComponent(field.value)}`);
    const answer = response.ok ? await response.json() : { books: [] };
    // An answer that was overtaken by a later question is of no interest.
    if (asked === latest) show(answer.books);
  };

  field.addEventListener("input", () => {
    clearTimeout(waiting);
    if (field.value.trim().length < 2) hide();
    else waiting = setTimeout(suggest, 200);
  });
  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget)) hide();
  });
  form.addEventListener("keydown", (event) => {
    const links = [...list.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    if (event.key === "Escape") { hide(); field.focus(); }
    else if (event.key === "ArrowDown" && !list.hidden && links.length) {
      event.preventDefault();
      links[Math.min(at + 1, links.length - 1)].focus();
    } else if (event.key === "ArrowUp" && at >= 0) {
      event.preventDefault();
      (links[at - 1] ?? field).focus();
    }
  });
})();
