// What every script of the page wants of the document.

// The value of a style sheet's variable: colours and fonts follow the page's theme.
export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function onThemeChange(act) {
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", act);
}

export function unpackBytes(text) {
  const raw = atob(text), bytes = new Uint8Array(raw.length);
  for (let index = 0; index < raw.length; index += 1) bytes[index] = raw.charCodeAt(index);
  return bytes;
}

// Does `act` once with each element: when it comes near, before the page is printed, or when the function that is returned is asked to.
export function whenNear(elements, act) {
  const waiting = new Set(elements);
  const start = (element) => {
    observer.unobserve(element);
    if (waiting.delete(element)) act(element);
  };
  const observer = new IntersectionObserver((entries) => {
    entries.filter((entry) => entry.isIntersecting).forEach((entry) => start(entry.target));
  }, { rootMargin: "300px" });
  elements.forEach((element) => observer.observe(element));
  window.addEventListener("beforeprint", () => elements.forEach(start));
  return start;
}
