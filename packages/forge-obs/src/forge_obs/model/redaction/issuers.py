"""The keys and tokens of issuers, which tell themselves by how they begin; pure.

The beginnings are those that issuers publish, so that leaks are found. Where none tells the length,
a least one stands here. What is meant to be public has no place here: keys of browsers and
applications' names, for instance.
"""

from typing import Final

from forge_obs.model.redaction.form import (
    CONTINUATION,
    CONTINUED,
    MORE,
    Form,
    of_at_least,
    of_length,
    with_digit,
)

_ALNUM: Final = "[A-Za-z0-9]"
_HEX: Final = "[0-9a-f]"
_UPPER: Final = "[0-9A-Z]"
_BASE64: Final = "[A-Za-z0-9+/]"
_UUID: Final = rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}\b"

_MODELS: Final = (
    Form("anthropic-key", ("sk-ant-",), of_at_least("sk-ant-", 20)),
    Form("openrouter-key", ("sk-or-",), of_at_least("sk-or-", 20)),
    Form("langfuse-key", ("sk-lf-",), of_at_least("sk-lf-", 20)),
    Form(
        "openai-key",
        ("sk-",),
        rf"\bsk-(?:(?=[\w-]{{0,100}}[\dA-Z])[\w-]{{20,}}+{CONTINUATION}"
        rf"|(?:proj-|svcacct-|admin-)[\w-]{{4,13}}+{CONTINUED})",
    ),
    Form("google-key", ("AIza",), of_length("AIza", r"[\w-]", 35)),
    Form("google-auth-key", ("AQ.",), with_digit(r"AQ\.", 40)),
    Form("hugging-face-token", ("hf_", "api_org_"), of_length("(?:hf|api_org)_", _ALNUM, 30, MORE)),
    Form("groq-key", ("gsk_",), of_length("gsk_", _ALNUM, 40, MORE)),
    Form("xai-key", ("xai-",), of_length("xai-", _ALNUM, 40, MORE)),
    Form("perplexity-key", ("pplx-",), of_length("pplx-", _ALNUM, 40, MORE)),
    Form("cerebras-key", ("csk-",), of_length("csk-", "[a-z0-9]", 40, MORE)),
    Form("replicate-token", ("r8_",), of_length("r8_", _ALNUM, 37, MORE)),
    Form("fireworks-key", ("fw_",), of_length("fw_", _ALNUM, 22, MORE)),
    Form("together-key", ("tgp_v1_",), of_at_least("tgp_v1_", 40)),
    Form("nvidia-key", ("nvapi-",), of_at_least("nvapi-", 40)),
    Form("langsmith-key", ("lsv2_",), of_at_least("lsv2_(?:pt|sk)_", 32)),
    Form("logfire-token", ("pylf_v",), with_digit(r"pylf_v\d_", 30)),
    Form("wandb-key", ("wandb_v1_",), with_digit("wandb_v1_", 40)),
    Form("pinecone-key", ("pcsk_",), with_digit("pcsk_", 50)),
    Form("jina-key", ("jina_",), with_digit("jina_", 50)),
    Form("voyage-key", ("voyage",), r"\bpa-(?=[\w-]{0,42}\d)[\w-]{43}(?![\w-])"),
    Form("elevenlabs-key", ("elevenlabs", "xi-api-key"), of_length("sk_", _HEX, 48, r"\b")),
    Form("tavily-key", ("tvly-",), of_at_least("tvly-", 28)),
    Form("firecrawl-key", ("fc-",), of_length("fc-", _HEX, 32, r"\b")),
    Form("e2b-key", ("e2b_",), of_length("e2b_", _HEX, 40, r"\b")),
    Form("anyscale-key", ("esecret_",), with_digit("esecret_", 24)),
)
"""Of those who serve models, and what programs with models use."""

_CLOUDS: Final = (
    Form(
        "aws-key",
        ("AKIA", "ASIA", "ABIA", "ACCA"),
        of_length("A(?:KI|SI|BI|CC)A", _UPPER, 16, r"\b"),
    ),
    Form(
        "bedrock-key",
        ("ABSK", "bedrock-api-key-"),
        rf"\b(?:ABSK|bedrock-api-key-){_BASE64}{{100,}}+={{0,2}}",
    ),
    Form("azure-secret", ("8Q~", "7Q~"), r"(?<![\w~.-])[\w.~-]{3}[78]Q~[\w.~-]{31,34}(?![\w~-])"),
    Form(
        "azure-key",
        ("JQQJ99", "AZDO", "+ABa", "+AMC", "+ASt", "ACDb", "AzSe", "APIM"),
        rf"(?<![\w+/])(?:{_ALNUM}{{52}}JQQJ99{_ALNUM}{{18,30}}\b|{_ALNUM}{{76}}AZDO{_ALNUM}{{4}}\b"
        rf"|{_BASE64}{{76}}(?:\+ABa|\+AMC|\+ASt|ACDb|AzSe|APIM){_BASE64}{{5}}[AQgw]==)",
    ),
    Form("google-secret", ("gocspx-",), of_at_least("GOCSPX-", 24)),
    Form("google-token", ("ya29.", "1//0"), of_at_least(r"(?:ya29\.|1//0)", 30)),
    Form("alibaba-key", ("LTAI",), of_length("LTAI", _ALNUM, 16, MORE)),
    Form("yandex-key", ("AQVN",), with_digit("AQVN", 35)),
    Form("digitalocean-token", ("_v1_",), of_length("do[opr]_v1_", _HEX, 64, r"\b")),
    Form(
        "cloudflare-key", ("cfk_", "cfut_", "cfat_"), of_length("cf(?:k|[ua]t)_", _ALNUM, 40, MORE)
    ),
    Form("cloudflare-ca-key", ("v1.0-",), rf"\bv1\.0-{_HEX}{{24}}-{_HEX}{{100,200}}\b"),
    Form("heroku-key", ("hrku-",), with_digit("HRKU-", 36)),
    Form(
        "fly-token",
        ("fo1_", "fm1", "fm2_"),
        r"\bfo1_[\w-]{43}\b|\bfm[12][ar]?_[\w+/=,-]{100,}+",
    ),
    Form(
        "netlify-token",
        ("nfp_", "nfc_", "nfo_", "nfu_", "nfb_"),
        of_length("nf[pcoub]_", _ALNUM, 36, MORE),
    ),
    Form("vercel-token", ("vcp_", "vci_", "vca_", "vcr_", "vck_"), with_digit("vc[piark]_", 24)),
    Form("render-key", ("rnd_",), of_length("rnd_", _ALNUM, 28, MORE)),
    Form("scalingo-token", ("tk-us-",), with_digit("tk-us-", 48)),
    Form("tailscale-key", ("tskey-",), with_digit("tskey-", 20)),
    Form("terraform-token", (".atlasv1.",), rf"\b{_ALNUM}{{14}}\.atlasv1\.[\w-]{{60,}}+"),
    Form("pulumi-token", ("pul-",), of_length("pul-", _HEX, 40, r"\b")),
    Form("openshift-token", ("sha256~",), of_length("sha256~", r"[\w-]", 43)),
    Form("databricks-token", ("dapi",), of_length("dapi", _HEX, 32, r"\b")),
    Form("infracost-key", ("ico-",), with_digit(r"(?<!\.)ico-", 32)),
)

_DATA: Final = (
    Form("supabase-key", ("sbp_", "sb_secret_"), with_digit("sb(?:p|_secret)_", 30)),
    Form("neon-key", ("napi_",), of_length("napi_", "[a-z0-9]", 40, MORE)),
    Form("planetscale-key", ("pscale_",), with_digit("pscale_(?:tkn|pw|oauth)_", 32)),
    Form("mongodb-secret", ("mdb_sa_sk_",), with_digit("mdb_sa_sk_", 30)),
    Form("airtable-token", ("airtable",), rf"\bpat{_ALNUM}{{14}}\.{_HEX}{{64}}\b"),
    Form("contentful-token", ("cfpat-",), with_digit("CFPAT-", 43)),
    Form("dropbox-token", ("sl.",), r"\bsl\.(?:u\.)?[\w-]{130,}+"),
    Form("apify-token", ("apify_api_",), of_length("apify_api_", _ALNUM, 36, MORE)),
    Form("adafruit-key", ("aio_",), of_length("aio_", _ALNUM, 28, r"\b")),
)
"""Of those who keep data."""

_SECRETS: Final = (
    Form("vault-token", ("hvs.", "hvb.", "hvr."), of_at_least(r"hv[sbr]\.", 24)),
    Form(
        "doppler-token",
        ("dp.",),
        of_length(r"dp\.(?:ct|pt|st|sa|said|scim|audit)\.(?:[\w-]{2,35}\.)?", _ALNUM, 40, MORE),
    ),
    Form("onepassword-token", ("ops_eyj",), of_at_least("ops_eyJ", 100)),
    Form("onepassword-key", ("A3-",), rf"\bA3-{_UPPER}{{6}}(?:-{_UPPER}{{5,11}}){{3,5}}\b"),
    Form("age-key", ("age-secret-key-1",), of_length("AGE-SECRET-KEY-1", _UPPER, 58, r"\b")),
)
"""Of those who keep secrets."""

_CODE: Final = (
    Form(
        "github-token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        of_length("gh[pousr]_", _ALNUM, 36, MORE) + "|" + of_at_least("github_pat_", 22),
    ),
    Form(
        "gitlab-token",
        ("gl", "gr1348941"),
        of_at_least("(?:gl(?:pat|ptt|rt|rtr|dt|cbt|ft|ffct|soat|imt|agent|oas|wt)-|GR1348941)", 20)
        + r"(?:\.[0-9a-z]{2}\.[0-9a-z]{9}\b)?+",
    ),
    Form("bitbucket-password", ("ATBB",), with_digit("ATBB", 28)),
    Form("atlassian-token", ("ATATT3", "ATCTT3"), of_at_least("AT[AC]TT3", 100)),
    Form(
        "sourcegraph-token",
        ("sgp_", "slk_"),
        rf"\bs(?:gp|lk)_(?:{_HEX}{{16}}_|local_)?{_HEX}{{40,64}}\b",
    ),
    Form("pypi-token", ("pypi-age",), of_at_least("pypi-AgE", 40)),
    Form("npm-token", ("npm_",), of_length("npm_", _ALNUM, 36, r"\b")),
    Form("rubygems-key", ("rubygems_",), of_length("rubygems_", _HEX, 48, r"\b")),
    Form("crates-token", ("crates.io", "cargo"), rf"\bcio(?={_ALNUM}{{0,31}}\d){_ALNUM}{{32}}\b"),
    Form("nuget-key", ("oy2",), of_length("oy2", "[a-z0-9]", 43, r"\b")),
    Form("clojars-token", ("clojars_",), of_length("(?ai:CLOJARS)_", _HEX, 60, r"\b")),
    Form("docker-token", ("dckr_",), of_at_least("dckr_[po]at_", 20)),
    Form(
        "artifactory-key",
        ("AKCp", "cmVmdGtu"),
        of_length("AKCp", _ALNUM, 69, r"\b") + "|" + of_length("cmVmdGtu", _ALNUM, 56, r"\b"),
    ),
    Form("circleci-token", ("ccipat_", "cciprj_"), with_digit("CCIP(?:AT|RJ)_", 40)),
    Form("buildkite-token", ("bkua_", "bkct_"), with_digit("bk(?:ua|ct)_", 40)),
    Form("octopus-key", ("API-",), rf"\bAPI-(?=[A-Z]{{0,25}}\d){_UPPER}{{26,32}}\b"),
    Form(
        "harness-token", ("pat.", "sat."), rf"\b[ps]at\.[\w-]{{22}}\.{_HEX}{{24}}\.{_ALNUM}{{20}}\b"
    ),
    Form("sonar-token", ("squ_", "sqp_", "sqa_"), of_length("sq[upa]_", _HEX, 40, r"\b")),
    Form("postman-key", ("pmak-",), with_digit("PMAK-", 50)),
    Form("prefect-key", ("pnu_", "pnb_"), of_length("pn[ub]_", _ALNUM, 36, MORE)),
    Form("figma-token", ("figd_", "figp_", "figu_", "figo_"), with_digit("fig[dpuo]r?_", 30)),
    Form("notion-token", ("ntn_",), of_length("ntn_", _ALNUM, 40, MORE)),
    Form(
        "linear-key", ("lin_api_", "lin_oauth_"), of_length("lin_(?:api|oauth)_", _ALNUM, 40, MORE)
    ),
    Form("asana-token", ("asana",), rf"\b[0-2]/\d{{14,17}}(?:/\d{{14,17}})?:{_HEX}{{32}}\b"),
    Form("clickup-token", ("pk_",), rf"\bpk_\d{{5,12}}_{_UPPER}{{32}}\b"),
)
"""Of those who keep code and packages, build them, or plan the work."""

_WATCHERS: Final = (
    Form("grafana-token", ("glsa_", "glc_"), of_at_least("gl(?:sa|c)_", 32)),
    Form("sentry-token", ("sntrys_", "sntryu_"), r"\bsntry[su]_[\w+/=-]{40,}+"),
    Form(
        "new-relic-key",
        ("NRAK-", "NRII-", "NRIQ-", "NRAL"),
        rf"\b(?:NRAK-{_UPPER}{{27}}|NRI[IQ]-[\w-]{{25,40}}+|[0-9a-z]{{32,36}}(?:FFFF)?NRAL)\b",
    ),
    Form("dynatrace-token", ("dt0",), rf"\b(?ai:dt0[a-z]\d\d\.{_UPPER}{{24}}\.{_UPPER}{{64}})\b"),
    Form("posthog-key", ("phx_", "phs_"), with_digit("ph[xs]_", 40)),
    Form("axiom-token", ("xaat-", "xapt-"), rf"\bxa[ap]t-{_UUID}"),
)
"""Of those who watch programs."""

_MESSAGES: Final = (
    Form("slack-token", ("xox", "xapp-"), of_at_least(r"(?:xoxe\.)?(?:xox[abeoprs]|xapp)-", 10)),
    Form("telegram-token", (":AA",), r"\b\d{8,10}:AA[\w-]{33}\b"),
    Form(
        "discord-token",
        ("discord",),
        r"\b[MNO][A-Za-z][\w-]{21,26}\.[\w-]{6}\.[\w-]{27,38}(?![\w-])",
    ),
    Form("sendgrid-key", ("SG.",), r"\bSG\.[\w-]{22}\.[\w-]{43}\b"),
    Form("mailchimp-key", ("-us",), rf"\b{_HEX}{{32}}-us\d{{1,2}}\b"),
    Form("mailgun-key", ("key-",), of_length("key-", _HEX, 32, r"\b")),
    Form("brevo-key", ("xkeysib-", "xsmtpsib-"), with_digit("x(?:key|smtp)sib-", 64)),
    Form("resend-key", ("resend",), rf"\bre_(?=\w{{0,32}}\d){_ALNUM}{{6,10}}_{_ALNUM}{{20,30}}\b"),
    Form("twilio-key", ("SK",), of_length("SK", _HEX, 32, r"\b")),
    Form("onesignal-key", ("os_v2_",), with_digit("os_v2_(?:app|org)_", 60)),
    Form("intercom-token", ("dG9rO",), r"\bdG9rO[\w+/=-]{50,}+"),
    Form("typeform-token", ("tfp_",), with_digit("tfp_", 40)),
    Form("meta-token", ("EAA",), rf"\bEAA(?={_ALNUM}{{0,80}}\d){_ALNUM}{{90,}}+(?![+/=])"),
)
"""Of those who carry messages."""

_TRADE: Final = (
    Form("stripe-key", ("k_live_", "k_test_"), of_at_least("[rs]k_(?:live|test)_", 16)),
    Form("webhook-secret", ("whsec_",), rf"\bwhsec_{_BASE64}{{24,}}+={{0,2}}"),
    Form(
        "square-token",
        ("EAAA", "sq0"),
        r"\b(?:EAAA[\w-]{60}|sq0(?:atp|csp|acp)-[\w-]{22,50})(?![\w-])",
    ),
    Form("shopify-token", ("shp",), of_length("shp(?:at|ca|pa|ss|tka|ua)_", _HEX, 32, r"\b")),
    Form(
        "paypal-token",
        ("access_token$",),
        rf"\baccess_token\$(?:production|sandbox)\$[0-9a-z]{{16}}\${_HEX}{{32}}\b",
    ),
    Form("plaid-token", ("access-",), rf"\baccess-(?:sandbox|development|production)-{_UUID}"),
    Form("salesforce-token", ("00D",), rf"\b00D{_ALNUM}{{12,15}}![\w.]{{60,}}+"),
    Form("hubspot-token", ("pat-na", "pat-eu", "pat-ap"), rf"\bpat-(?:na|eu|ap)\d-{_UUID}"),
    Form("flutterwave-key", ("flwseck",), with_digit("FLWSECK(?:_TEST)?-", 24)),
    Form("duffel-token", ("duffel_",), of_at_least("duffel_(?:test|live)_", 43)),
    Form("shippo-token", ("shippo_",), of_length("shippo_(?:live|test)_", _HEX, 40, r"\b")),
    Form("easypost-key", ("EZAK", "EZTK"), of_length("EZ[AT]K", _ALNUM, 54, r"\b")),
    Form("mapbox-token", ("k.eyj",), r"\b[st]k\.eyJ[\w-]{20,}+\.[\w-]{20,}+"),
    Form("readme-key", ("rdme_",), with_digit("rdme_", 60)),
    Form("frame-io-token", ("fio-u-",), of_at_least("fio-u-", 60)),
)
"""Of those who sell, pay and ship."""

ISSUED: Final = (*_MODELS, *_CLOUDS, *_DATA, *_SECRETS, *_CODE, *_WATCHERS, *_MESSAGES, *_TRADE)
"""Where two fit at one place, the first counts."""
