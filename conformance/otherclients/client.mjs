// The JavaScript client: typed and by kind, lists, watches and informers, patches, custom objects, errors.
import * as k8s from '@kubernetes/client-node';

const namespace = 'javascript';
let count = 0;
let failed = 0;

function ok(holds, claim, ...shown) {
    count++;
    failed += holds ? 0 : 1;
    console.log(`${holds ? 'ok' : 'not ok'} ${count} - JavaScript: ${claim}`);
    if (!holds) shown.forEach((line) => console.log('#   ' + String(typeof line === 'object' ? JSON.stringify(line) : line).slice(0, 800)));
}

async function refused(code, work) {
    try {
        await work();
    } catch (why) {
        return why.code === code;
    }
    return false;
}

const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);
const configMap = (name, data) => ({ metadata: { name, labels: { test: 'yes' } }, data });

async function basics() {
    for (let i = 0; i < 5; i++) await core.createNamespacedConfigMap({ namespace, body: configMap(`m${i}`, { colour: 'red' }) });
    const list = await core.listNamespacedConfigMap({ namespace, labelSelector: 'test=yes' });
    ok(list.items.map((m) => m.metadata.name).join() === 'm0,m1,m2,m3,m4', 'list', list.items.length);
    const page = await core.listNamespacedConfigMap({ namespace, limit: 2 });
    const next = await core.listNamespacedConfigMap({ namespace, limit: 10, _continue: page.metadata._continue });
    ok(page.items.length === 2 && next.items.length === 3 && page.metadata.remainingItemCount === 3, 'pages', page.metadata);
    const one = await core.readNamespacedConfigMap({ name: 'm1', namespace });
    one.data.colour = 'blue';
    const changed = await core.replaceNamespacedConfigMap({ name: 'm1', namespace, body: one });
    ok(changed.data.colour === 'blue' && changed.metadata.creationTimestamp instanceof Date, 'replace', changed);
    ok(await refused(409, () => core.replaceNamespacedConfigMap({ name: 'm1', namespace, body: one })), 'a replace of an old version is a conflict');
    ok(await refused(404, () => core.readNamespacedConfigMap({ name: 'none', namespace })), 'what is not there is not found');
    ok(await refused(422, () => core.createNamespacedConfigMap({ namespace, body: configMap('Bad_Name') })), 'a bad name is invalid');
}

async function patches() {
    const how = (type) => k8s.setHeaderOptions('Content-Type', type);
    let m = await core.patchNamespacedConfigMap({ name: 'm2', namespace, body: { data: { size: '3' } } }, how(k8s.PatchStrategy.MergePatch));
    ok(m.data.size === '3' && m.data.colour === 'red', 'a merge patch', m.data);
    m = await core.patchNamespacedConfigMap({ name: 'm2', namespace, body: [{ op: 'remove', path: '/data/colour' }] }, how(k8s.PatchStrategy.JsonPatch));
    ok(JSON.stringify(m.data) === '{"size":"3"}', 'a JSON patch', m.data);
    const labels = { app: 'web' };
    const containers = [{ name: 'a', image: 'registry.example/a:1' }, { name: 'b', image: 'registry.example/b:1' }];
    await apps.createNamespacedDeployment({ namespace, body: { metadata: { name: 'web' }, spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } } } });
    const body = { spec: { template: { spec: { containers: [{ name: 'b', image: 'registry.example/b:2' }] } } } };
    const web = await apps.patchNamespacedDeployment({ name: 'web', namespace, body }, how(k8s.PatchStrategy.StrategicMergePatch));
    ok(web.spec.template.spec.containers.map((c) => c.image).join() === 'registry.example/a:1,registry.example/b:2', 'a strategic patch merges containers');
    m = await core.patchNamespacedConfigMap({ name: 'applied', namespace, fieldManager: 'js', force: true,
        body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' }, data: { a: '1' } } }, how(k8s.PatchStrategy.ServerSideApply));
    ok(m.data.a === '1' && m.metadata.managedFields[0].manager === 'js', 'a server-side apply', m);
}

function until(check, seconds = 20) {
    const end = Date.now() + seconds * 1000;
    return new Promise((done) => {
        const look = () => (check() || Date.now() > end ? done(check()) : setTimeout(look, 10));
        look();
    });
}

async function change(name) {
    await core.createNamespacedConfigMap({ namespace, body: configMap(name, { a: '1' }) });
    await core.patchNamespacedConfigMap({ name, namespace, body: { data: { a: '2' } } }, k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch));
    await core.deleteNamespacedConfigMap({ name, namespace });
}

async function watches() {
    const { metadata } = await core.listNamespacedConfigMap({ namespace });
    const seen = [];
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const watch = await new k8s.Watch(config).watch(path, { resourceVersion: metadata.resourceVersion }, (type, o) => seen.push(type + o.data.a), () => {});
    await change('w1');
    ok(await until(() => seen.join() === 'ADDED1,MODIFIED2,DELETED2'), 'a watch', seen);
    watch.abort();
    const told = [];
    const informer = k8s.makeInformer(config, path, () => core.listNamespacedConfigMap({ namespace }));
    for (const event of ['add', 'update', 'delete']) informer.on(event, (o) => o.metadata.name === 'w2' && told.push(event));
    informer.on('error', (why) => told.push(String(why)));
    await informer.start();
    ok(informer.list(namespace).length >= 6, 'an informer knows what is there', informer.list().length);
    await change('w2');
    ok(await until(() => told.join() === 'add,update,delete'), 'and is told what happens', told);
    await informer.stop();
}

async function custom() {
    const objects = config.makeApiClient(k8s.CustomObjectsApi);
    const byKind = k8s.KubernetesObjectApi.makeApiClient(config);
    const schema = { type: 'object', properties: { spec: { type: 'object', properties: { length: { type: 'integer', minimum: 1 } } } } };
    await byKind.create({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'oars.javascript.example' },
        spec: { group: 'javascript.example', scope: 'Namespaced', names: { plural: 'oars', singular: 'oar', kind: 'Oar' },
            versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }] } });
    const extensions = config.makeApiClient(k8s.ApiextensionsV1Api);
    let established = false;
    for (const end = Date.now() + 20000; !established && Date.now() < end;) {
        const crd = await extensions.readCustomResourceDefinition({ name: 'oars.javascript.example' });
        established = (crd.status?.conditions ?? []).some((c) => c.type === 'Established' && c.status === 'True');
    }
    const place = { group: 'javascript.example', version: 'v1', namespace, plural: 'oars' };
    const oar = { apiVersion: 'javascript.example/v1', kind: 'Oar', metadata: { name: 'left', namespace }, spec: { length: 3 } };
    ok((await objects.createNamespacedCustomObject({ ...place, body: oar })).spec.length === 3, 'a custom object is made');
    const json = k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch);
    ok((await objects.patchNamespacedCustomObject({ ...place, name: 'left', body: { spec: { length: 4 } } }, json)).spec.length === 4, 'and patched');
    ok(await refused(422, () => objects.patchNamespacedCustomObject({ ...place, name: 'left', body: { spec: { length: 0 } } }, json)), 'its schema is held');
    ok((await byKind.read(oar)).spec.length === 4, 'it is found by its kind');
    ok((await objects.listNamespacedCustomObject(place)).items.length === 1, 'and listed');
    await objects.deleteNamespacedCustomObject({ ...place, name: 'left' });
    ok((await objects.listNamespacedCustomObject(place)).items.length === 0, 'and deleted');
}

await core.createNamespace({ body: { metadata: { name: namespace } } });
for (const part of [basics, patches, watches, custom]) {
    try {
        await part();
    } catch (why) {
        ok(false, `${part.name} ends`, why.stack ?? why, why.body);
    }
}
process.exit(failed ? 1 : 0);
