// Says how old the page is, and reads it again, which can be stopped. The page is whole without.
"use strict";
const made = new Date(document.querySelector("header time").dateTime), age = document.querySelector("header .age");
const box = document.querySelector(".reload input"), kept = "reload " + location.pathname;
const ago = seconds => {
	for (const [name, of] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
		const n = Math.floor(seconds / of);
		if (n >= 1) return n + " " + name + (n > 1 ? "s" : "") + " ago";
	}
	return "just now";
};
// Whoever reads a table, marks a text or types is not to be disturbed.
const busy = () => document.hidden || document.querySelector("details[open]") || !getSelection().isCollapsed ||
	[...document.querySelectorAll("input:not([type=checkbox])")].some(e => e.value != e.defaultValue);
const since = Date.now();
const tick = () => {
	const seconds = (Date.now() - made) / 1000;
	age.textContent = ", " + ago(seconds);
	age.classList.toggle("old", seconds > 900);
	if (box && box.checked && Date.now() - since > 1000 * box.dataset.seconds && !busy()) location.reload();
};
if (box) {
	try { // a page in a sandbox may remember nothing
		box.checked = (sessionStorage.getItem(kept) || String(box.checked)) == "true";
		box.onchange = () => sessionStorage.setItem(kept, box.checked);
	} catch { }
	box.parentElement.hidden = false;
}
tick();
setInterval(tick, 1000);
