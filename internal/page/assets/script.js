(function () {
'use strict';
var root = document.documentElement;
root.classList.add('on');
function all(selector, within) {
  return Array.prototype.slice.call((within || document).querySelectorAll(selector));
}
function byId(id) { return document.getElementById(id); }

// The theme follows the system until the reader switches it.
byId('theme').addEventListener('click', function () {
  var dark = root.dataset.theme ? root.dataset.theme === 'dark' :
    matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
});

// A page opened from a file may not have the clipboard of the browser: then a selection is copied.
function copy(text, button) {
  function done(ok) {
    var label = button.dataset.label || (button.dataset.label = button.textContent);
    button.textContent = ok ? 'Copied' : 'Copy failed';
    setTimeout(function () { button.textContent = label; }, 1600);
  }
  function select() {
    var area = document.createElement('textarea');
    area.value = text;
    area.className = 'vh';
    document.body.appendChild(area);
    area.select();
    var ok = false;
    try { ok = document.execCommand('copy'); } catch (e) { ok = false; }
    area.remove();
    button.focus();
    done(ok);
  }
  if (navigator.clipboard && navigator.clipboard.writeText) {
    navigator.clipboard.writeText(text).then(function () { done(true); }, select);
  } else { select(); }
}
all('pre.code').forEach(function (pre) {
  var box = document.createElement('div');
  box.className = 'copyable';
  pre.parentNode.insertBefore(box, pre);
  box.appendChild(pre);
  var button = document.createElement('button');
  button.type = 'button';
  button.className = 'copy';
  button.textContent = 'Copy';
  button.setAttribute('aria-live', 'polite');
  button.addEventListener('click', function () { copy(pre.textContent, button); });
  box.appendChild(button);
});

// Tabs: one stop of the tab key, then the arrow keys, Home and End.
all('.tabs').forEach(function (tabs, n) {
  var panels = all('section', tabs);
  var list = document.createElement('div');
  list.className = 'tablist';
  list.setAttribute('role', 'tablist');
  list.setAttribute('aria-label', 'Formats of the fix');
  var buttons = panels.map(function (panel, i) {
    var button = document.createElement('button');
    button.type = 'button';
    button.id = 'tab-' + n + '-' + i;
    button.textContent = panel.querySelector('h4').textContent;
    button.setAttribute('role', 'tab');
    panel.id = 'panel-' + n + '-' + i;
    button.setAttribute('aria-controls', panel.id);
    panel.setAttribute('role', 'tabpanel');
    panel.setAttribute('aria-labelledby', button.id);
    button.addEventListener('click', function () { show(i); });
    button.addEventListener('keydown', function (e) {
      var to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: panels.length - 1 }[e.key];
      if (to === undefined) { return; }
      e.preventDefault();
      to = (to + panels.length) % panels.length;
      show(to);
      buttons[to].focus();
    });
    list.appendChild(button);
    return button;
  });
  function show(i) {
    panels.forEach(function (panel, j) {
      panel.hidden = i !== j;
      buttons[j].setAttribute('aria-selected', String(i === j));
      buttons[j].tabIndex = i === j ? 0 : -1;
    });
  }
  tabs.insertBefore(list, tabs.firstChild);
  show(Math.max(0, buttons.findIndex(function (b) { return b.textContent === tabs.dataset.p; })));
});

// Filters. A row is shown if it passes all of them. A group without a shown row is hidden.
var form = byId('filters');
if (form) {
  var groups = all('[data-t]').map(function (group) {
    var rows = all('[data-s]', group);
    var other = group.cloneNode(true);
    all('[data-s],.fix', other).forEach(function (e) { e.remove(); });
    return { element: group, target: group.dataset.t, text: other.textContent.toLowerCase(),
      rows: rows.map(function (row) {
        return { element: row, text: row.textContent.toLowerCase() };
      }) };
  });
  var none = document.createElement('p');
  none.className = 'empty';
  none.textContent = 'No finding passes the filters.';
  none.hidden = true;
  form.after(none);
  var apply = function () {
    var words = byId('f-text').value.toLowerCase().split(/\s+/).filter(Boolean);
    var severities = {};
    all('[name=severity]', form).forEach(function (box) { severities[box.value] = box.checked; });
    var status = byId('f-status').value, target = byId('f-target').value;
    var muted = byId('f-muted');
    var shown = 0, total = 0;
    groups.forEach(function (group) {
      var some = 0;
      group.rows.forEach(function (row) {
        var data = row.element.dataset;
        var ok = (!target || target === group.target) && (!status || status === data.s) &&
          (data.v === undefined || severities[data.v] !== false) &&
          (data.m === undefined || muted.checked) &&
          words.every(function (w) {
            return row.text.indexOf(w) >= 0 || group.text.indexOf(w) >= 0;
          });
        row.element.hidden = !ok;
        some += ok ? 1 : 0;
        total++;
      });
      group.element.hidden = some === 0;
      if (group.element.tagName === 'DETAILS') { group.element.open = words.length > 0 && some > 0; }
      shown += some;
    });
    byId('f-count').textContent = shown === total ? total + ' findings' :
      shown + ' of ' + total + ' findings';
    none.hidden = shown > 0;
  };
  form.addEventListener('input', apply);
  form.addEventListener('reset', function () { setTimeout(apply); });
  form.addEventListener('submit', function (e) { e.preventDefault(); });
  document.addEventListener('keydown', function (e) {
    var typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (e.key === '/' && !typing) { e.preventDefault(); byId('f-text').focus(); }
  });
  apply();
}

// The report as JSON.
var raw = byId('raw');
if (raw) {
  var text = function () { return JSON.stringify(JSON.parse(raw.textContent), null, 2) + '\n'; };
  byId('raw-copy').addEventListener('click', function (e) { copy(text(), e.target); });
  byId('raw-save').addEventListener('click', function () {
    var a = document.createElement('a');
    a.href = URL.createObjectURL(new Blob([text()], { type: 'application/json' }));
    a.download = 'report.json';
    a.click();
    setTimeout(function () { URL.revokeObjectURL(a.href); }, 10000);
  });
}

// Print everything that is folded.
var closed = [];
addEventListener('beforeprint', function () {
  closed = all('details:not([open])');
  closed.forEach(function (d) { d.open = true; });
});
addEventListener('afterprint', function () { closed.forEach(function (d) { d.open = false; }); });
}());
