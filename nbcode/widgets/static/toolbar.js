// A row of buttons as one stop of the Tab key; within it, arrow keys, Home and End lead from button to button.
const open = node => [...node.querySelectorAll("button:not(:disabled)")];

// columns: how far an arrow up or down leads. follow: whether the button that is reached is pressed, too.
export function toolbar(node, label, signal, { columns = 1, follow = false } = {}) {
  node.setAttribute("role", "toolbar");
  node.setAttribute("aria-label", label);
  const stopAt = chosen => { for (const each of node.querySelectorAll("button")) each.tabIndex = each === chosen ? 0 : -1; };
  node.addEventListener("focusin", event => stopAt(event.target.closest("button")), { signal });
  node.addEventListener("keydown", event => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;             // the browser's own shortcuts
    const all = open(node), at = all.indexOf(event.target.closest("button"));
    const next = {
      ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - columns, ArrowDown: at + columns, Home: 0, End: all.length - 1,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    if (!all[next]) return;
    all[next].focus();
    if (follow) all[next].click();
  }, { signal });
  // To be called when the buttons have changed: one of them must be reachable.
  return () => {
    const all = open(node);
    if (all.length && !all.some(each => each.tabIndex === 0)) stopAt(all[0]);
  };
}
