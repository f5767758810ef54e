// Runs checks of the HTML report in Chromium, and takes pictures of it. The input is JSON:
// {chromium, directory, pages, quiet, use, shots}. Pages get all checks of the look, quiet pages only
// the first one, and use checks what a reader does with the page "drifted" and the page "everything".
// The output is JSON: the problems of each check, by name.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createRequire } from 'node:module';
import puppeteer from 'puppeteer-core';

const input = JSON.parse(fs.readFileSync(0, 'utf8'));
const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const results = {};
const args = ['--disable-dev-shm-usage', '--no-first-run', '--disable-extensions',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];
// Chromium's sandbox does not work for root, which runs CI containers.
if (os.userInfo().uid === 0) args.push('--no-sandbox');
const browser = await puppeteer.launch({ executablePath: input.chromium, headless: true, args });

// open opens a page, and collects everything that a quiet page does not do.
async function open(name, problems, { dark = false, width = 1200, js = true, print = false } = {}) {
  const page = await browser.newPage();
  const url = 'file://' + path.join(input.directory, name + '.html');
  await page.setJavaScriptEnabled(js);
  await page.setRequestInterception(true);
  page.on('request', (r) => {
    const own = r.url().split('#')[0] === url || r.url().startsWith('data:image/svg+xml') ||
      r.url().startsWith('blob:');
    if (!own) problems.push('a request to ' + r.url());
    own ? r.continue() : r.abort();
  });
  page.on('console', (m) => problems.push('console: ' + m.text()));
  page.on('pageerror', (e) => problems.push('error: ' + e.message));
  page.on('dialog', (d) => { problems.push('a dialog: ' + d.message()); d.dismiss(); });
  page.on('popup', () => problems.push('a new window'));
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' },
    { name: 'prefers-reduced-motion', value: 'reduce' }]);
  if (print) await page.emulateMediaType('print');
  await page.setViewport({ width, height: 900 });
  await page.goto(url, { waitUntil: 'load' });
  return page;
}

async function check(name, f) {
  const problems = [];
  results[name] = problems;
  try {
    await f(problems);
  } catch (e) {
    problems.push(String(e.stack || e));
  }
}

const shown = (page, selector) => page.$$eval(selector, (list) =>
  list.filter((e) => e.checkVisibility({ contentVisibilityAuto: true })).length);
const unfold = (page) => page.$$eval('details', (list) => list.forEach((d) => { d.open = true; }));

for (const name of [...input.pages || [], ...input.quiet || []]) {
  await check(`${name}: quiet in light and dark, and nothing to run`, async (problems) => {
    for (const dark of [false, true]) {
      const page = await open(name, problems, { dark });
      await unfold(page);
      if (await page.evaluate(() => window.pwned !== undefined)) problems.push('a text ran as a script');
      await page.close();
    }
  });
}

for (const name of input.pages || []) {
  await check(`${name}: no serious accessibility problem in light and dark`, async (problems) => {
    for (const dark of [false, true]) {
      const page = await open(name, problems, { dark });
      await unfold(page);
      await page.evaluate(axe);
      const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
      for (const v of found.violations) {
        if (v.impact === 'serious' || v.impact === 'critical') {
          problems.push(`${dark ? 'dark' : 'light'}: ${v.id}: ${v.help}: ` +
            v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + ' ' + n.failureSummary).join('; '));
        }
      }
      await page.close();
    }
  });
  await check(`${name}: fits a phone of 360 pixels`, async (problems) => {
    const page = await open(name, problems, { width: 360 });
    await unfold(page);
    const wide = await page.evaluate(() => {
      const width = document.documentElement.scrollWidth;
      if (width <= innerWidth) return [];
      // What is out of the flow can leave the box that scrolls, so a wide page need not have an
      // element that this finds.
      return [`the page, with ${width} pixels`, ...[...document.querySelectorAll('body *')].filter((e) =>
        e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll,.diff,.code,nav'))
        .slice(0, 5).map((e) => e.outerHTML.slice(0, 120))];
    });
    problems.push(...wide.map((e) => 'wider than the screen: ' + e));
    await page.close();
  });
  await check(`${name}: readable without scripts`, async (problems) => {
    const page = await open(name, problems, { js: false });
    for (const selector of ['button', '#filters']) {
      if (await shown(page, selector)) problems.push(selector + ' is shown, and does nothing');
    }
    const [all, visible] = [(await page.$$('.card .rows li')).length,
      await shown(page, '.card .rows li')];
    if (all !== visible) problems.push(`${visible} of ${all} findings are shown`);
    const panels = (await page.$$('.tabs section')).length;
    if (panels !== await shown(page, '.tabs section pre')) problems.push('a format of a fix is hidden');
    await page.close();
  });
  await check(`${name}: prints all cards and no buttons`, async (problems) => {
    const page = await open(name, problems, { print: true });
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    for (const selector of ['button', '#filters', '.tablist', 'nav']) {
      if (await shown(page, selector)) problems.push(selector + ' is printed');
    }
    const [all, visible] = [(await page.$$('[data-s]')).length, await shown(page, '[data-s]')];
    if (all !== visible) problems.push(`${visible} of ${all} findings are printed`);
    await page.evaluate(() => dispatchEvent(new Event('afterprint')));
    await page.close();
  });
}

async function use() {
  await check('the buttons copy what they belong to', async (problems) => {
    const page = await open('drifted', problems);
    const session = await browser.target().createCDPSession();
    await session.send('Browser.grantPermissions',
      { permissions: ['clipboardReadWrite', 'clipboardSanitizedWrite'] });
    await page.bringToFront();
    for (const pre of await page.$$('pre.code')) {
      if (!await pre.evaluate((e) => e.checkVisibility())) continue;
      const button = await pre.evaluateHandle((e) => e.parentNode.querySelector('button'));
      await button.click();
      await page.waitForFunction((b) => b.textContent === 'Copied', {}, button);
      const [got, want] = await pre.evaluate(async (e) =>
        [await navigator.clipboard.readText(), e.textContent]);
      if (got !== want) problems.push(`copied ${got} instead of ${want}`);
    }
    await page.click('#json summary');
    await page.click('#raw-copy');
    await page.waitForFunction(() => document.getElementById('raw-copy').textContent === 'Copied');
    const same = await page.evaluate(async () => {
      const copied = JSON.parse(await navigator.clipboard.readText());
      return JSON.stringify(copied) === JSON.stringify(JSON.parse(
        document.getElementById('raw').textContent));
    });
    if (!same) problems.push('the copied JSON is not the report');
    await page.close();
  });

  await check('copying works without the clipboard of the browser', async (problems) => {
    const page = await open('drifted', problems);
    await page.bringToFront();
    const text = await page.evaluate(() => {
      navigator.clipboard.writeText = () => Promise.reject(new Error('denied'));
      return document.querySelector('pre.code').textContent;
    });
    await page.click('.copy');
    await page.waitForFunction(() => document.querySelector('.copy').textContent === 'Copied');
    const got = await page.evaluate(() => navigator.clipboard.readText());
    if (got !== text) problems.push(`copied ${got} instead of ${text}`);
    await page.close();
  });

  await check('the JSON can be saved', async (problems) => {
    const page = await open('drifted', problems);
    const session = await browser.target().createCDPSession();
    await session.send('Browser.setDownloadBehavior',
      { behavior: 'allow', downloadPath: input.directory });
    await page.click('#json summary');
    await page.click('#raw-save');
    const file = path.join(input.directory, 'report.json');
    for (let i = 0; i < 100 && !fs.existsSync(file); i++) await new Promise((r) => setTimeout(r, 50));
    const report = JSON.parse(fs.readFileSync(file, 'utf8'));
    if (report.account !== '123456789012') problems.push('the file is not the report');
    await page.close();
  });

  await check('the filters select findings, with the keyboard alone', async (problems) => {
    const page = await open('everything', problems);
    const rows = () => page.$$eval('[data-s]', (list) => list.filter((e) => !e.hidden &&
      !e.closest('[data-t]').hidden).map((e) => ({ status: e.dataset.s, severity: e.dataset.v,
      muted: 'm' in e.dataset, target: e.closest('[data-t]').dataset.t, text: e.textContent })));
    const expect = async (what, ok) => {
      const list = await rows();
      if (list.length === 0) problems.push(what + ': nothing is shown');
      for (const row of list) if (!ok(row)) problems.push(what + ': shows ' + JSON.stringify(row));
      return list.length;
    };
    const reset = async () => {
      await page.focus('#filters button[type=reset]');
      await page.keyboard.press('Enter');
      await page.waitForFunction((n) => document.getElementById('f-count').textContent.startsWith(n + ' f'),
        {}, total);
    };
    const total = (await rows()).length;
    await page.keyboard.press('/');
    await page.keyboard.type('s3:putobjectacl');
    await expect('text', (r) => r.text.toLowerCase().includes('s3:putobjectacl'));
    if (!/^\d+ of \d+ findings$/.test(await page.$eval('#f-count', (e) => e.textContent))) {
      problems.push('the count is not shown');
    }
    await page.keyboard.type(' nothing-has-this');
    if ((await rows()).length || !await shown(page, '.empty')) problems.push('an empty result is not said');
    await reset();
    await page.focus('[name=severity][value=critical]');
    await page.keyboard.press('Space');
    await expect('severity', (r) => r.severity !== 'critical');
    await reset();
    await page.select('#f-status', 'denied');
    await expect('status', (r) => r.status === 'denied');
    await reset();
    await page.select('#f-target', 'role/remotion-lambda-role');
    await expect('principal', (r) => r.target === 'role/remotion-lambda-role');
    await reset();
    if (!(await rows()).some((r) => r.muted)) problems.push('muted gaps are hidden at first');
    await page.focus('#f-muted');
    await page.keyboard.press('Space');
    await expect('muted', (r) => !r.muted);
    await reset();
    await page.close();
  });

  await check('the tabs follow the arrow keys', async (problems) => {
    const page = await open('drifted', problems);
    await page.focus('.tablist [aria-selected=true]');
    const state = () => page.evaluate(() => {
      const list = document.querySelector('.tabs');
      return [document.activeElement.textContent,
        [...list.querySelectorAll('section')].filter((e) => e.checkVisibility())
          .map((e) => document.getElementById(e.getAttribute('aria-labelledby')).textContent).join()];
    });
    for (const [key, want] of [['ArrowRight', 'CLI'], ['End', 'CloudFormation'], ['ArrowRight', 'JSON'],
      ['ArrowLeft', 'CloudFormation'], ['Home', 'JSON']]) {
      await page.keyboard.press(key);
      const [focus, panel] = await state();
      if (focus !== want || panel !== want) problems.push(`${key}: focus ${focus}, panel ${panel}`);
    }
    await page.keyboard.press('Tab'); // one stop for all tabs
    if (await page.evaluate(() => document.activeElement.getAttribute('role') === 'tab')) {
      problems.push('the tab key stops at each tab');
    }
    await page.close();
  });

  await check('the focus is visible, and the order of the tab key that of the page', async (problems) => {
    const page = await open('drifted', problems);
    let last = -1;
    for (let i = 0; i < 30; i++) {
      await page.keyboard.press('Tab');
      const [y, outline, html] = await page.evaluate(() => {
        const e = document.activeElement;
        const style = getComputedStyle(e);
        const beside = e.nextElementSibling && getComputedStyle(e.nextElementSibling);
        return [e.getBoundingClientRect().top + scrollY, style.outlineStyle !== 'none' ||
          beside && beside.outlineStyle !== 'none', e.outerHTML.slice(0, 100)];
      });
      if (!outline) problems.push('no focus ring: ' + html);
      // Elements in the sticky head and beside each other may be a little higher.
      if (i > 6 && y < last - 60) problems.push('the focus goes up: ' + html);
      last = y;
    }
    await page.close();
  });

  await check('the theme can be switched', async (problems) => {
    const page = await open('drifted', problems);
    const color = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await color();
    await page.click('#theme');
    if (await color() === light) problems.push('the page stays light');
    await page.click('#theme');
    if (await color() !== light) problems.push('the page stays dark');
    await page.close();
  });
}
if (input.use) await use();

for (const s of input.shots || []) {
  await check('picture ' + path.basename(s.file), async (problems) => {
    const page = await open(s.page, problems, s);
    await page.setViewport({ width: s.width, height: s.height });
    const element = s.element && await page.$(s.element);
    // The head of the page would cover a part of the element.
    if (element) await page.$$eval('.top', (list) => list.forEach((e) => { e.style.position = 'static'; }));
    if (s.element && !element) problems.push('no element ' + s.element);
    await (element || page).screenshot({ path: s.file });
    await page.close();
  });
}

await browser.close();
process.stdout.write(JSON.stringify(results));
