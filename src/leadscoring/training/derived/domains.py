"""Domains of e-mail addresses by group, and names of mailboxes that belong to a role instead of a person."""

FREE = (
    *("gmail.com", "googlemail.com", "yahoo.com", "ymail.com", "rocketmail.com", "hotmail.com", "outlook.com"),
    *("live.com", "msn.com", "icloud.com", "me.com", "mac.com", "aol.com", "aim.com", "protonmail.com", "proton.me"),
    *("pm.me", "gmx.com", "gmx.net", "gmx.de", "gmx.at", "gmx.ch", "web.de", "freenet.de", "t-online.de", "arcor.de"),
    *("mail.com", "email.com", "zoho.com", "zohomail.com", "yandex.com", "yandex.ru", "ya.ru", "mail.ru", "bk.ru"),
    *("inbox.ru", "list.ru", "rambler.ru", "fastmail.com", "fastmail.fm", "hushmail.com", "tutanota.com", "tuta.io"),
    *("yahoo.co.uk", "yahoo.co.in", "yahoo.in", "yahoo.fr", "yahoo.de", "yahoo.it", "yahoo.es", "yahoo.ca"),
    *("yahoo.com.br", "yahoo.com.au", "yahoo.com.mx", "yahoo.com.ar", "yahoo.co.jp", "yahoo.co.id", "yahoo.com.ph"),
    *("hotmail.co.uk", "hotmail.fr", "hotmail.de", "hotmail.it", "hotmail.es", "hotmail.com.br", "hotmail.ca"),
    *("outlook.fr", "outlook.de", "outlook.es", "outlook.it", "outlook.com.br", "outlook.in", "outlook.co.uk"),
    *("live.co.uk", "live.fr", "live.de", "live.nl", "live.it", "live.ca", "live.com.au", "live.in", "live.se"),
    *("orange.fr", "wanadoo.fr", "free.fr", "laposte.net", "sfr.fr", "neuf.fr", "bbox.fr", "libero.it", "virgilio.it"),
    *("alice.it", "tiscali.it", "tin.it", "terra.com.br", "uol.com.br", "bol.com.br", "ig.com.br", "globo.com"),
    *("comcast.net", "verizon.net", "att.net", "sbcglobal.net", "bellsouth.net", "cox.net", "charter.net"),
    *("earthlink.net", "optonline.net", "btinternet.com", "virginmedia.com", "sky.com", "talktalk.net", "ntlworld.com"),
    *("bigpond.com", "optusnet.com.au", "shaw.ca", "rogers.com", "sympatico.ca", "telus.net", "xtra.co.nz"),
    *(
        "rediffmail.com",
        "qq.com",
        "163.com",
        "126.com",
        "sina.com",
        "sohu.com",
        "foxmail.com",
        "yeah.net",
        "aliyun.com",
    ),
    *("naver.com", "daum.net", "hanmail.net", "nate.com", "docomo.ne.jp", "ezweb.ne.jp", "softbank.ne.jp"),
    *("seznam.cz", "centrum.cz", "wp.pl", "o2.pl", "onet.pl", "interia.pl", "abv.bg", "ukr.net", "bluewin.ch"),
    *("telenet.be", "skynet.be", "ziggo.nl", "kpnmail.nl", "planet.nl", "home.nl", "telia.com", "online.no"),
)
"""Providers of mailboxes for everybody."""

DISPOSABLE = (
    *("mailinator.com", "guerrillamail.com", "guerrillamail.net", "guerrillamail.org", "sharklasers.com", "grr.la"),
    *("10minutemail.com", "10minutemail.net", "20minutemail.com", "tempmail.com", "temp-mail.org", "temp-mail.io"),
    *("tempmail.net", "tempmailo.com", "tempail.com", "tempr.email", "throwawaymail.com", "trashmail.com"),
    *("trashmail.de", "trashmail.net", "trash-mail.com", "wegwerfmail.de", "yopmail.com", "yopmail.fr", "yopmail.net"),
    *("maildrop.cc", "mailnesia.com", "mailcatch.com", "mytemp.email", "mohmal.com", "moakt.com", "dispostable.com"),
    *("discard.email", "discardmail.com", "spamgourmet.com", "spam4.me", "spambox.us", "getnada.com", "nada.email"),
    *("fakeinbox.com", "fakemail.net", "fake-mail.net", "emailondeck.com", "burnermail.io", "mintemail.com"),
    *("mailnull.com", "mailexpire.com", "mailtemp.net", "jetable.org", "incognitomail.org", "anonbox.net"),
    *("einrot.com", "cuvox.de", "dayrep.com", "fleckens.hu", "gustr.com", "jourrapide.com", "rhyta.com"),
    *("superrito.com", "teleworm.us", "armyspy.com", "inboxkitten.com", "minuteinbox.com", "tmpmail.org"),
    *("luxusmail.org", "linshiyouxiang.net", "33mail.com", "harakirimail.com", "crazymailing.com", "tmail.ws"),
)
"""Providers of mailboxes that soon cease to exist."""

EDUCATION = (
    *("edu", "ac.uk", "sch.uk", "edu.au", "ac.nz", "school.nz", "ac.in", "edu.in", "ac.jp", "ed.jp", "ac.kr", "edu.cn"),
    *("edu.hk", "edu.tw", "edu.sg", "edu.my", "ac.th", "ac.id", "sch.id", "edu.ph", "edu.vn", "edu.pk", "ac.bd"),
    *("ac.lk", "edu.np", "ac.ir", "ac.il", "edu.tr", "edu.sa", "ac.ae", "edu.qa", "edu.eg", "ac.za", "edu.ng", "ac.ke"),
    *("ac.ug", "edu.gh", "edu.br", "edu.mx", "edu.ar", "edu.co", "edu.pe", "edu.ec", "edu.uy", "edu.pl", "ac.at"),
    *("ac.be", "edu.it", "edu.gr", "edu.pt", "edu.es", "edu.ro", "edu.ua", "edu.rs", "ac.rs", "ac.cy", "edu.mt"),
    *("k12.ca.us", "k12.tx.us", "k12.ny.us", "k12.fl.us", "k12.il.us", "k12.oh.us", "k12.pa.us", "k12.nj.us"),
)
"""Suffixes of schools and universities."""

GOVERNMENT = (
    *("gov", "mil", "gov.uk", "nhs.uk", "mod.uk", "police.uk", "gov.au", "govt.nz", "gov.in", "nic.in", "go.jp"),
    *("go.kr", "gov.cn", "gov.hk", "gov.tw", "gov.sg", "gov.my", "go.th", "go.id", "gov.ph", "gov.vn", "gov.pk"),
    *("gov.bd", "gov.lk", "gov.il", "gov.tr", "gov.sa", "gov.ae", "gov.qa", "gov.eg", "gov.za", "gov.ng", "go.ke"),
    *("go.ug", "gov.gh", "gov.br", "gob.mx", "gov.mx", "gob.ar", "gov.ar", "gov.co", "gob.pe", "gob.es", "gov.pt"),
    *("gov.it", "gov.gr", "gov.pl", "gov.ie", "gov.ro", "gov.ua", "gov.rs", "gouv.fr", "gv.at", "bund.de", "admin.ch"),
    *("gc.ca", "fgov.be", "europa.eu", "un.org", "nato.int"),
)
"""Suffixes of governments, armies and their organizations."""

GROUPS = {"free": FREE, "disposable": DISPOSABLE, "education": EDUCATION, "government": GOVERNMENT}
"""Domains and suffixes of each group; all other addresses are those of a company."""

ROLES = (
    *("info", "sales", "contact", "contacts", "office", "admin", "administrator", "support", "help", "helpdesk"),
    *("hello", "hi", "mail", "email", "enquiries", "enquiry", "inquiries", "inquiry", "marketing", "press", "media"),
    *("pr", "hr", "jobs", "careers", "career", "recruiting", "recruitment", "billing", "accounts", "accounting"),
    *("accountspayable", "ap", "finance", "invoice", "invoices", "orders", "order", "purchasing", "procurement"),
    *("service", "services", "customerservice", "customercare", "team", "it", "webmaster", "postmaster", "hostmaster"),
    *("abuse", "security", "noreply", "no-reply", "donotreply", "newsletter", "news", "partners", "partner", "legal"),
    *("privacy", "general", "reception", "secretary", "management", "operations", "ops", "dev", "tech", "test"),
    *("kontakt", "vertrieb", "buero", "büro", "verwaltung", "einkauf", "bestellung", "rechnung", "personal"),
    *("bewerbung", "presse", "contacto", "ventas", "administracion", "comercial", "contato", "vendas"),
    *("contatti", "vendite", "commerciale", "amministrazione", "accueil", "commercial", "secretariat", "direction"),
)
"""Names before the @ that belong to a role."""
