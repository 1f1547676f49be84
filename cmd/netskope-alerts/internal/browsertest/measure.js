(() => {
	const d = document, all = q => [...d.querySelectorAll(q)];
	const shape = (e, label) => {
		const r = e.getBoundingClientRect(), s = getComputedStyle(e);
		return {Label: label, Fill: s.fill, Opacity: s.fillOpacity, X: r.x, Y: r.y, W: r.width, H: r.height} };
	const titled = e => shape(e, e.querySelector("title").textContent);
	const plot = id => d.getElementById(id) && shape(d.getElementById(id), d.getElementById(id).ariaLabel);
	const shot = {Ground: getComputedStyle(d.body).backgroundColor, Title: d.title, Text: d.body.innerText,
		Ticks: all("#plot-hours .tick").map(e => shape(e, e.textContent)),
		LateTicks: all("#plot-lateness .tick").map(e => shape(e, e.textContent)),
		Columns: all("#plot-hours .hit").map(titled), Segments: all("#plot-hours .segment").map(titled),
		Late: all(".late-bar").map(titled),
		Gaps: all(".plot .gaps").map(e => shape(e, "")),
		Lines: all("line.percentile").map(e => shape(e, e.nextElementSibling.textContent)),
		Legend: all(".legend bdi").map(e => shape(e.parentNode.querySelector("rect"), e.textContent)),
		Types: all(".types li").map(e => shape(e.querySelector(".value"),
			[".name", ".count", ".share"].map(q => e.querySelector(q).textContent).join("|"))),
		RowBars: all("svg.row rect").map(e => shape(e, "")),
		Hours: plot("plot-hours") || undefined, Lateness: plot("plot-lateness") || undefined,
		Active: all("img, iframe, object, embed, link, base, [style], [onerror], [onload], [onclick]").length,
		Scripts: d.scripts.length,
		Loaded: performance.getEntriesByType("resource").length};
	const texts = all(".plot text").filter(e => getComputedStyle(e).display != "none")
		.map(e => [e, e.getBoundingClientRect()]);
	shot.Overlapping = texts.flatMap(([a, r], i) => texts.slice(i + 1)
		.filter(([b, s]) => a.parentNode == b.parentNode &&
			r.left < s.right && s.left < r.right && r.top + 2 < s.bottom && s.top + 2 < r.bottom)
		.map(([b]) => a.textContent + " / " + b.textContent));

	const closed = all("details:not([open])");
	closed.forEach(e => e.open = true);
	shot.Tables = all("table").map(t => [...t.rows].map(r => [...r.cells].map(c => c.textContent)));
	shot.Width = d.documentElement.clientWidth;
	shot.Scroll = d.documentElement.scrollWidth;
	shot.Outside = all("body *").filter(e => !e.closest(".scroll table, title, defs, .types .name > *")).filter(e => {
		const r = e.getBoundingClientRect();
		return r.width > 0 && (r.right > shot.Width + 0.5 || r.left < -0.5)
	}).map(e => e.tagName + " " + e.textContent.slice(0, 60));

	// Contrast: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio, 4.5 for texts (3 for large ones), 3 for marks.
	const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
	const mixed = new Map(), grounds = new Map();
	const over = (ground, colour, opacity = 1) => { // as the browser itself mixes them
		const key = ground + colour + opacity;
		if (!mixed.has(key)) mixed.set(key, mix(ground, colour, opacity));
		return mixed.get(key) };
	const mix = (ground, colour, opacity) => {
		canvas.globalAlpha = 1;
		canvas.fillStyle = `rgb(${ground})`; canvas.fillRect(0, 0, 1, 1);
		canvas.globalAlpha = opacity;
		canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
		return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3) };
	const groundOf = e => {
		if (!e) return [255, 255, 255];
		if (!grounds.has(e)) {
			const below = groundOf(e.parentElement);
			grounds.set(e, e.ownerSVGElement ? below : over(below, getComputedStyle(e).backgroundColor));
		}
		return grounds.get(e) };
	const light = c => c.map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
	const ratio = (a, b) => (Math.max(light(a), light(b)) + .05) / (Math.min(light(a), light(b)) + .05);
	shot.Pale = []; shot.Looked = 0;
	const hold = (e, what, contrast, least) => {
		shot.Looked++;
		if (contrast < least)
			shot.Pale.push(`${e.tagName}.${e.getAttribute("class") || ""} ${what}: ${contrast.toFixed(2)}`) };
	const walk = d.createTreeWalker(d.body, NodeFilter.SHOW_TEXT);
	for (let n; n = walk.nextNode();) {
		const e = n.parentElement, s = getComputedStyle(e);
		if (!n.data.trim() || e.closest("script, title, [hidden]") || !e.getClientRects().length) continue;
		const ground = groundOf(e), size = parseFloat(s.fontSize);
		const large = size >= 24 || size >= 18.66 && s.fontWeight >= 700;
		hold(e, n.data.trim().slice(0, 20), ratio(over(ground, e.ownerSVGElement ? s.fill : s.color), ground),
			large ? 3 : 4.5);
	}
	const marks = ".segment, .late-bar, .value, .key rect, .gaps, line.percentile, .mark, .hatch";
	for (const e of all(marks)) {
		const s = getComputedStyle(e), ground = groundOf(e.closest("svg"));
		const inks = [];
		if (s.fill != "none" && !s.fill.startsWith("url")) inks.push([s.fill, s.fillOpacity]);
		if (s.fill.startsWith("url")) {
			const lines = getComputedStyle(d.querySelector(s.fill.match(/#\w+/)[0]).firstElementChild);
			inks.push([lines.stroke, lines.strokeOpacity]);
		}
		if (s.stroke != "none" && parseFloat(s.strokeWidth) >= 1) inks.push([s.stroke, s.strokeOpacity]);
		hold(e, "mark", Math.max(...inks.map(([c, o]) => ratio(over(ground, c, o), ground))), 3);
	}
	for (const e of all("input:not([type=checkbox]), button, select")) {
		const ground = groundOf(e.parentElement), s = getComputedStyle(e);
		hold(e, "edge", Math.max(ratio(over(ground, s.borderTopColor), ground), ratio(groundOf(e), ground)), 3);
	}

	// A table that is wider than its place lies under a shadow.
	shot.Hidden = all(".scroll").filter(e => e.scrollWidth > e.clientWidth && !(e.tabIndex == 0 && e.ariaLabel &&
		getComputedStyle(e).backgroundAttachment.includes("local"))).map(e => e.ariaLabel || e.className);
	closed.forEach(e => e.open = false);
	try { (0, eval)("1"); shot.Blocked = false } catch { shot.Blocked = true }
	return shot;
})()
