"""The words of forms by language: what names and labels call a person's fields. Data; `naming` reads it.

Each language has lines of phrases in lower case, separated by commas. Accents do not matter, and neither do spaces:
"first name" also means "firstname" and "FirstName". The longest phrase counts. `~` marks a word that is common in
another meaning: it counts only if the name or label says nothing else.

The fields are in `naming.FIELDS`; "name" is less sure than "full_name", and "phone_or_postal_code" is a word that means
either. The other lines say what stands around a field:

    other         what looks like a field of the person and is none: "product name", "user name"
    article       words without a meaning of their own: "your", "the"
    noise         polite and technical words: "please enter", "required", "field"
    person        what the sender's own fields are grouped under: "customer", "contact details"
    billing       the invoice's address
    shipping      the delivery's address
    someone       another person: "friend", "emergency contact"
    aside         a person who is the sender only if the form asks for no other: "parent", "manager"
    again         a repetition: "confirm", "retype"
    question      first words of a question whose answer is no field: "do you", "how"
    of            words after which a field's owner or purpose follows: "of", "for"
    or            words between alternatives
    country_name  countries, to know one by its value
"""

LANGUAGES: dict[str, dict[str, str]] = {
    "en": {  # English
        "email": "email, e mail, mail, email address, e mail address, mail address, email addr, email id,"
        " email adress, e mail adress, electronic mail, emailaddr",
        "first_name": "first name, fname, f name, given name, forename, christian name, given names, first names,"
        " name first, ~first, ~given, first given name, given first name, first or given name, fst name,"
        " firstnames, preferred first name, legal first name, first last name initial, call you",
        "last_name": "last name, lname, l name, surname, family name, name last, ~last, ~family, last family name,"
        " family last name, last or family name, lst name, sur name, surnames, last names",
        "name": "~recipient, ~consignee, ~contact person, ~contactperson, what should we call you,"
        " what is your name, whats your name, what do we call you, name, names, contact name, person name,"
        " real name, name of person, who are you",
        "full_name": "full name, first and last name, first last name, first name last name, name and surname,"
        " name surname, complete name, your full name, first name and last name, first name and surname,"
        " name full, fullname and surname, whole name, realname, first name surname, full legal name",
        "display_name": "display name, screen name",
        "company": "affiliation, organisation affiliation, organization affiliation, company, company name,"
        " organization, organisation, organization name, organisation name, business, business name, employer,"
        " employer name, firm, firm name, name of company, name of organization, name of organisation,"
        " name of business, companyname, business or organization, company or organization, company organization,"
        " company organisation, organization company, legal entity, legal entity name, legal company name,"
        " company legal name, trading name, registered company name, corporation, brand name, agency name,"
        " studio name, workplace, comp name, org name, ~org, institution name, institution,"
        " business or company name, company or business name, company work for",
        "phone": "phone, phone number, phone no, phone num, tel, telephone, telephone number, telephone no,"
        " mobile, mobile phone, mobile number, mobile no, mobile phone number, cell, cell phone, cellphone,"
        " cell number, cell phone number, contact number, daytime phone, whatsapp, whatsapp number, tel no,"
        " tel number, phones, landline, landline number, phone mobile, telephone mobile, mob, mob no, contact no,"
        " sms number, number phone, phone nr, ph no, phonenum",
        "phone_code": "phone code, country calling code, calling code, dial code, dialing code, dialling code,"
        " phone country code, phone country, country phone code, phone prefix, mobile code, mobile country code,"
        " international code, country prefix, isd code, tel code, phone cc, mobile prefix, country dial code,"
        " phone dial code",
        "area_code": "area code, phone area code, phone area, area phone, ~area",
        "address_1": "address, street address, street, address line 1, address line, address 1, line 1, addr,"
        " addr line 1, addr 1, street line 1, street 1, street name, street and number, street and house number,"
        " street number and name, postal address, mailing address, home address, first line,"
        " first line of address, address first line, address street, road, address details, full address,"
        " post address, residential address, permanent address, current address, address line one,"
        " street name and number, physical address, street adress, adress, addressline, address or po box,"
        " thoroughfare, ~addresses",
        "address_2": "address 2, address line 2, addr line 2, addr 2, line 2, street 2, street line 2, apartment,"
        " apt, suite, unit, flat, floor, building, apt number, apartment number, suite number, unit number,"
        " flat number, apt no, apartment no, flat no, second line, address second line, apartment suite,"
        " apt suite, suite apt, apartment suite unit, apt suite unit, apt floor unit, apt suite floor,"
        " apartment suite building, apartment suite etc, apt suite etc, apartment suite unit etc,"
        " apartment or suite, flat other, address line two, additional address, address additional,"
        " address continued, address cont, address additional information, apt suite unit building, apt or suite,"
        " po box, building name, building number and name, door number, room number, unit suite,"
        " additional address information, address complement, extra address line, apt unit, unit apt, premise,"
        " care of, apartment suite unit building floor etc, apt unit suite etc, apt unit suite, apartment unit,"
        " apartment unit etc, suite unit, suite unit building",
        "address_3": "address 3, address line 3, line 3, street 3, addr 3, third line, address line 4, address 4",
        "house_number": "house number, house no, street number, building number, house nr, house num,"
        " number house, house name or number, house number or name, house name number, street no",
        "city": "city, town, locality, city name, suburb, city town, town city, village, municipality,"
        " city of residence, town name, address level 2, addr city, post town, city or town, town or city, ~place,"
        " home city, current city, city locality, city suburb",
        "district": "district, neighborhood, neighbourhood, borough, sub district",
        "county": "county, county name",
        "province": "province, province name",
        "state": "state, region, state name, state province, province state, state region, province region,"
        " state code, province code, address level 1, administrative area, state or province,"
        " state province region, region name, region state, state territory, prefecture, county state province,"
        " state county, region code, state county province, state prov, prov state, st prov, stateprov, ~zone,"
        " territory, state of residence, department state, us state, state prov region, subdivision",
        "postal_code": "postal code, post code, postcode, zip, zip code, zipcode, postal, postal zip, zip postal,"
        " zip postal code, postal zip code, zip or postal code, postcode zip, pin code, pincode, eircode,"
        " postal index, zip postcode, post zip code, zip code postal code, postal code zip, zip plus 4, zip 5,"
        " billing zip, zippostal, area pin, postal or zip code, postcode or zip code, zip or postcode, cap code",
        "country": "country, country name, country code, country region, country of residence, country or region,"
        " nation, country iso, country iso code, country id, region country, country territory, country residence,"
        " home country, country based in, country live in, current country, country region code",
        "tax_id": "business number, business registration number, tax id, tax number, tax no, vat, vat id,"
        " vat number, vat no, tax identification number, ~ein, employer identification number, gst, gst number,"
        " gstin, tax code, vat registration number, ~tin, tax identification, fiscal code, taxpayer id,"
        " vat tax id, tax vat number, tax id number, tax vat, vat code, abn, company vat number, company tax id,"
        " taxvat",
        "message": "~content, message, comment, comments, note, notes, ~question, questions, enquiry, inquiry,"
        " description, remarks, remark, feedback, additional comments, additional notes, order notes,"
        " how can we help, how may we help, request, special requests, message text, message body,"
        " additional information, more information, other information, anything else, further information,"
        " tell us about project, project details, details, order comments, your text, additional message,"
        " additional details, additional info, what can we do for you, tell us more, question or comment,"
        " questions comments, comments questions, questions or comments, message to us, message here",
        "billing_email": "billing email, invoice email, email for invoices, invoicing email,"
        " accounts payable email, billing email address, invoice email address, accounting email, billing mail",
        "country_name": "afghanistan, albania, algeria, andorra, angola, argentina, armenia, australia, austria,"
        " azerbaijan, bahamas, bahrain, bangladesh, barbados, belarus, belgium, belize, benin, bhutan, bolivia,"
        " bosnia and herzegovina, botswana, brazil, brunei, bulgaria, burkina faso, burundi, cambodia, cameroon,"
        " canada, cape verde, chad, chile, china, colombia, congo, costa rica, croatia, cuba, cyprus,"
        " czech republic, czechia, denmark, djibouti, dominica, dominican republic, ecuador, egypt, el salvador,"
        " eritrea, estonia, eswatini, ethiopia, fiji, finland, france, gabon, gambia, georgia, germany, ghana,"
        " greece, grenada, guatemala, guinea, guyana, haiti, honduras, hong kong, hungary, iceland, india,"
        " indonesia, iran, iraq, ireland, israel, italy, ivory coast, jamaica, japan, jordan, kazakhstan, kenya,"
        " kosovo, kuwait, kyrgyzstan, laos, latvia, lebanon, lesotho, liberia, libya, liechtenstein, lithuania,"
        " luxembourg, macau, madagascar, malawi, malaysia, maldives, mali, malta, mauritania, mauritius, mexico,"
        " moldova, monaco, mongolia, montenegro, morocco, mozambique, myanmar, namibia, nepal, netherlands,"
        " the netherlands, new zealand, nicaragua, niger, nigeria, north korea, north macedonia, norway, oman,"
        " pakistan, palestine, panama, papua new guinea, paraguay, peru, philippines, poland, portugal,"
        " puerto rico, qatar, romania, russia, russian federation, rwanda, saint lucia, samoa, american samoa,"
        " san marino, saudi arabia, senegal, serbia, seychelles, sierra leone, singapore, slovakia, slovenia,"
        " somalia, south africa, south korea, south sudan, spain, sri lanka, sudan, suriname, sweden, switzerland,"
        " syria, taiwan, tajikistan, tanzania, thailand, togo, trinidad and tobago, tunisia, turkey, turkiye,"
        " turkmenistan, uganda, ukraine, united arab emirates, united kingdom, great britain, england, scotland,"
        " wales, northern ireland, united states, united states of america, usa, uruguay, uzbekistan,"
        " vatican city, venezuela, vietnam, yemen, zambia, zimbabwe, åland islands, aland islands, anguilla,"
        " antarctica, antigua and barbuda, aruba, bermuda, guam, guernsey, jersey, isle of man, gibraltar,"
        " greenland, guadeloupe",
        "other": "app name, key name, tag name, room name, job name, url name, bot name, role name, group name,"
        " category name, type name, unit price, book name, movie name, game name, network name, package name,"
        " branch name, vehicle name, horse name, boat name, user name, username, login name, nick name, nickname,"
        " nick, company type, company size, company website, company url, company number,"
        " company registration number, company id, company code, organization type, organization size,"
        " organization id, product name, product, item name, form name, form id, form title, event name,"
        " project name, domain name, host name, site name, website name, page name, file name, store name,"
        " shop name, team name, course name, class name, plan name, list name, campaign name, maiden name,"
        " mother maiden name, mothers maiden name, middle name, middle initial, name middle, initials, initial,"
        " father name, fathers name, mother name, mothers name, pet name, name prefix, name suffix, name title,"
        " salutation, prefix, suffix, title, job title, position, job position, role, job role, department,"
        " function, occupation, profession, industry, sector, business type, type of business, business size,"
        " nature of business, business unit, ip address, ip, mac address, web address, website address,"
        " site address, url address, wallet address, internet address, street type, address type, email type,"
        " email format, email subject, email list, email preference, email preferences, email frequency,"
        " email marketing, email opt in, email consent, email notifications, email updates, mail list,"
        " mailing list, phone type, phone consent, phone extension, extension, ext, phone ext, fax, fax number,"
        " pager, fax no, phone model, phone brand, country of birth, birth country, place of birth, birth place,"
        " birthplace, city of birth, birth city, birth date, date of birth, birthday, dob, nationality,"
        " citizenship, country of citizenship, country of origin, departure city, arrival city, destination,"
        " destination city, destination country, from city, to city, event city, venue city,"
        " country of destination, country of interest, countries of interest, marital state, marital status,"
        " state of mind, state of issue, license state, driver license state, tax state, application state,"
        " order state, view state, viewstate, form state, event validation, service name, brand, model, subject,"
        " topic, reason, hear about us, how did you hear, how did you hear about us, how did you find us,"
        " found us, source, referral code, referral, referral id, promo code, coupon, coupon code, voucher,"
        " voucher code, discount code, gift card, customer number, customer id, customer no, customer code,"
        " account number, account no, account name, account id, account type, bank name, bank account,"
        " bank account name, bank account number, bank code, bank address, iban, swift, bic, routing number,"
        " sort code, card name, name on card, card holder, cardholder, cardholder name, card holder name,"
        " card type, card expiry, expiry date, expiration date, card zip, order number, order id, order name,"
        " invoice number, reservation number, booking number, tracking number, reference number, reference,"
        " serial number, passport number, id number, identity number, national id, social security number, ssn,"
        " license number, license plate, contract number, policy number, member number, membership number,"
        " student number, student id, number of people, number of employees, number of guests, number of children,"
        " number of tickets, quantity, qty, amount, budget, price, date, time, issue number, issue date,"
        " utm source, utm medium, utm campaign, utm term, utm content, ip country, geo country, geo city,"
        " first time, first visit, first choice, first day, first contact, first order, last visit, last order,"
        " last login, last contact, last date, last education, last job, last school, first language,"
        " mother language, language, locale, time zone, timezone, currency, mail code, code, security code,"
        " verification code, access code, gender, sex, age, school name, school, university, university name,"
        " college, hotel name, restaurant name, venue name, venue, location name, song name, artist name,"
        " band name, dog name, cat name, child name, childs name, kids name, animal name, car name, property name,"
        " property address, property city, property type, job address, event address, venue address,"
        " service address, website, web site, url, homepage, linkedin, facebook, instagram, twitter, skype,"
        " telegram, social media, heard about us, comment type, comment id, comment post id, comment parent,"
        " note type, message type, message subject, question type, street direction, address book, address id,"
        " address name, address label, save address, same address, verify email code, email code, sms code,"
        " phone verification code, phone otp, mobile os, mobile app, mobile device, company country, company city,"
        " company state, company zip, company postal code, company street, contact method,"
        " preferred contact method, preferred contact, best time to call, contact time, contact preference,"
        " contact type, contact reason, contact id, name of event, name of product, name of project,"
        " name of school, name of child",
        "article": "your, my, the, a, an, our, s, this, their, his, her, its, own, some, any, me, us, you, i, we",
        "noise": "continue, continue with, proceed, main content, main, content place holder, mb, stb, od, usr,"
        " cust, inp, frm, live in, work, based in, works, please, enter, type in, fill in, fill out, fill,"
        " provide, write, give, input, select, choose, pick, what, which, whats, is, are, re, tell, required,"
        " optional, mandatory, recommended, if applicable, applicable, necessary, needed, field, fields, text,"
        " box, value, val, form, form field, form fields, form data, input field, textbox, txt, tb, ctl, ctl00,"
        " dropdown, drop, drop down, list, ddl, select box, label, lbl, no label, placeholder, data, info,"
        " information, details, detail, number, num, no, nr, id, code, new, current, preferred, primary, default,"
        " valid, correct, legal, official, real, actual, personal, private, business, corporate, professional,"
        " office, home, daytime, evening, day, residence, residential, login, log in, sign in, sign up, signup,"
        " register, registration, create, create account, account, join, subscribe, subscription, newsletter,"
        " step, page, section, block, group, part, question, q, qn, item, entry, element, wpforms, wpcf 7,"
        " et pb contact, et pb, nf, ninja, gform, ff, mc 4 wp, mce, mauticform, hs, hubspot, acf, field 1,"
        " elementor, fluentform, ct, cf, cf 7, mktg, mkto, spree, order, checkout, cart, purchase, guest checkout,"
        " website, web, online, contact us, contact form, contact, reach, best, here, below, so that, so,"
        " to reach, can, shall, should, use, using, used, active, uk, us only, only, at, on, in, via, with, by,"
        " etc, e g, eg, ie, example, required field, star, asterisk, live, do, does, be, based, located,"
        " field name, read only, readonly, hidden, c, x, tx, str, var, obj, attr, attribute, attributes, property,"
        " properties, merge, merges, update, updated, edit, add, added, your own, as in passport, passport,"
        " as on id, modal, view, model, dto, request, payload, params, json, and confirm, ask, asked",
        "person": "customer, user, client, contact, contact person, lead, person, buyer, subscriber, applicant,"
        " participant, attendee, visitor, member, profile, student, registrant, owner, donor, patient, guest,"
        " traveler, traveller, passenger, resident, author, sender, requester, submitter, respondent, candidate,"
        " recipient, delegate, employee, customer details, contact details, contact information, contact info,"
        " personal details, personal information, personal info, personal data, user details, account details,"
        " user info, user information, customer information, customer info, account info, your details, about you,"
        " submission, answers, record, party, name info, user data, customer data, user meta, user metadata,"
        " billing contact, primary contact, main contact, commenter, comment author, submitted by, data attributes",
        "billing": "billing, bill, bill to, invoice, payment, payer, billing details, billing info,"
        " billing information, invoicing, billing addr, cc billing",
        "shipping": "shipping, ship, ship to, delivery, deliver to, shipping details, shipping info,"
        " shipping information, dispatch, shipment, recipient, consignee, mailing, pickup",
        "someone": "friend, friends, friend s, referrer, referer, referral, referred by, referee, emergency,"
        " emergency contact, beneficiary, next of kin, recommended by, recommender, reference person,"
        " other person, witness, gift recipient, alternative",
        "aside": "spouse, partner, husband, wife, child, children, kid, son, daughter, manager, boss, supervisor,"
        " assistant, colleague, coworker, co worker, co applicant, coapplicant, relative, seller, vendor,"
        " merchant, supplier, agent, broker, doctor, physician, teacher, landlord, second guest, plus one,"
        " secondary contact, alternate contact, alternative contact, second contact, additional contact, sponsor,"
        " host, organizer, organiser, inviter, invitee, site owner, admin, administrator, secondary, alternate,"
        " alternative, parent, parents, parent s, guardian, mother, father, mothers, fathers, additional",
        "again": "confirm, confirmation, conf, re enter, reenter, retype, re type, repeat, repeated, again,"
        " verify, verification, check, confirm your, type again, enter again, second, backup, recovery, retry",
        "question": "do, does, did, are, is, have, has, had, can, could, will, would, should, may, how, why, when,"
        " where, agree, accept, i agree, i accept, yes, send, receive, sign me, keep me, save, remember, same as,"
        " use same, use this, i would, i want, i am, i have, subscribe to, opt in, want, allow, check, tick,"
        " forgot, number of, select all, upload, attach, rate, describe",
        "of": "of, for, from, about, regarding, to, that, who, where, when, if, because, and we, we will, we ll,"
        " will, must, should match",
        "or": "or, and, slash",
    },
    "tr": {  # Turkish
        "email": "e posta, eposta, e posta adresi, eposta adresi, e posta adresiniz, e postaniz, mail adresi,"
        " mail adresiniz, e mail adresi, e mail adresiniz, email adresi, email adresiniz, elektronik posta,"
        " elektronik posta adresi, mailiniz, e mailiniz, emailiniz, e posta adresinizi, mail adresinizi,"
        " kurumsal e posta, is e postasi, e postanizi, epostaniz, eposta adresiniz",
        "first_name": "ad, adı, adınız, adiniz, isim, ismi, isminiz, ilk ad, ön ad, adınızı, isminizi, ~adi, adin,"
        " adını",
        "last_name": "soyad, soyadı, soyadınız, soyisim, soy isim, soyismi, soyisminiz, soy ad, soy adı,"
        " soy adınız, soyadınızı, soyadini",
        "name": "adınız ne, size nasıl hitap edelim",
        "full_name": "ad soyad, adı soyadı, ad soyadı, adınız soyadınız, ad ve soyad, adı ve soyadı,"
        " adınız ve soyadınız, isim soyisim, isim soyad, isim ve soyisim, adınızı soyadınızı,"
        " adınızı ve soyadınızı, ad soyadınız, tam ad, tam adınız, tam adı, isim soy isim, isminiz soyisminiz,"
        " ad soyisim, yetkili adı soyadı, yetkili ad soyad, adi soyadi, adiniz soyadiniz, isminiz ve soyisminiz",
        "company": "şirkette, firmada, şirket, şirket adı, şirketin adı, şirketiniz, şirket adınız,"
        " şirketinizin adı, firma, firma adı, firmanız, firma adınız, firma ünvanı, firma unvanı, şirket unvanı,"
        " şirket ünvanı, ticari unvan, kurum, kurum adı, kuruluş, işletme, işletme adı, ünvanı, kurumunuz,"
        " çalıştığınız şirket, çalıştığınız kurum, ticari ünvan, fatura ünvanı, fatura unvanı",
        "phone": "telefon, telefon numarası, telefon no, telefonunuz, telefon numaranız, cep telefonu,"
        " cep telefonunuz, cep telefonu numarası, cep no, cep numarası, cep numaranız, gsm, gsm no, gsm numarası,"
        " tel no, irtibat numarası, iletişim numarası, iletişim telefonu, sabit telefon, numaranız,"
        " irtibat telefonu, cep tel, cep telefon, whatsapp numarası, whatsapp numaranız, telefon numaranızı,"
        " cep telefonu numaranız, cep telefonunuzu",
        "phone_code": "ülke telefon kodu, telefon ülke kodu, alan kodu ülke, telefon kodu",
        "phone_or_postal_code": "cep",
        "address_1": "adres, adresi, adresiniz, açık adres, adres satırı, adres satırı 1, adres satiri 1,"
        " ev adresi, iş adresi, cadde, sokak, cadde sokak, sokak adresi, fatura adresi, teslimat adresi,"
        " tam adres, adres bilgisi, adresinizi, cadde ve sokak, mahalle cadde sokak, açık adresiniz",
        "address_2": "adres satırı 2, adres 2, apartman, daire, daire no, apartman daire, bina, apartman no,"
        " bina no daire no, apartman dairesi",
        "house_number": "kapı no, bina no, kapı numarası, bina numarası, ev no",
        "city": "şehirde, şehir, kent, şehriniz, bulunduğunuz şehir, yaşadığınız şehir, şehir adı, il şehir,"
        " şehir il",
        "district": "ilçe, semt, ilçe semt, ilçeniz, semt ilçe, mahalle, bölge ilçe",
        "province": "~il, iliniz, il adı, vilayet",
        "state": "eyalet, bölge, eyalet bölge, il eyalet",
        "postal_code": "posta kodu, posta kodunuz, zip kodu, posta kod",
        "country": "ülkede, ülke, ülkesi, ülkeniz, ülke adı, yaşadığınız ülke, bulunduğunuz ülke,"
        " ikamet ettiğiniz ülke",
        "tax_id": "vergi no, vergi numarası, vergi numaranız, vergi kimlik no, vergi kimlik numarası, vkn,"
        " vergi kimlik, vkn tckn, vergi no tc kimlik no",
        "message": "mesaj, mesajı, mesajınız, mesajınızı, açıklama, not, notlar, notunuz, yorum, yorumunuz,"
        " konu detayı, ek bilgi, sipariş notu, sipariş notları, talebiniz, sorunuz, görüş ve önerileriniz,"
        " eklemek istedikleriniz, açıklamanız, bize iletmek istediğiniz mesaj",
        "billing_email": "fatura e posta, fatura e postası, fatura e posta adresi, fatura maili, fatura eposta",
        "country_name": "türkiye, almanya, ingiltere, birleşik krallık, amerika birleşik devletleri, abd, fransa,"
        " hollanda, belçika, avusturya, isviçre, italya, ispanya, kıbrıs, azerbaycan, rusya, yunanistan,"
        " bulgaristan, kanada, japonya, çin",
        "other": "kullanıcı adı, kullanıcı ad, ürün adı, ürün, proje adı, etkinlik adı, okul adı, okul, kurs adı,"
        " vergi dairesi, doğum yeri, doğum tarihi, anne adı, baba adı, annenizin kızlık soyadı, kızlık soyadı,"
        " şirket büyüklüğü, çalışan sayısı, şirket türü, sektör, meslek, unvan, ünvan, unvanınız, ünvanınız,"
        " görev, göreviniz, pozisyon, departman, konu, konu başlığı, cinsiyet, yaş, web sitesi, web adresi,"
        " internet adresi, site adresi, banka adı, hesap no, kimlik no, tc kimlik no, tckn, sipariş no,"
        " müşteri no, uyruk, medeni durum, doğum ili, nüfusa kayıtlı olduğu il, faks, faks no, dahili,"
        " bizi nereden duydunuz, ip adresi, adres başlığı, adres tipi, adres adı, kart üzerindeki isim,"
        " kart sahibi, referans kodu, indirim kodu, kupon kodu, etkinlik yeri, gidilecek ülke,"
        " ilgilendiğiniz ülke, marka adı, mağaza adı, ikinci ad, göbek adı, takma ad, rumuz",
        "article": "bir, siz, sizin, size, sizi, biz, bize, bizi, bu",
        "noise": "çalışıyorsunuz, soru, yaşadığınız, bulunduğunuz, çalıştığınız, lütfen, giriniz, girin, yazınız,"
        " yazin, yazın, doldurunuz, doldurun, seçiniz, seçin, belirtiniz, belirtin, nedir, ne, zorunlu,"
        " zorunlu alan, gerekli, isteğe bağlı, opsiyonel, alan, numara, numarası, numaranız, no, bilgi, bilgisi,"
        " bilgileri, bilgileriniz, hangi, hangisi, kaç, kurumsal, kişisel, iş, ev, güncel, geçerli, hakkında,"
        " iletişim, kayıt, üyelik, form, yaz, ekle, paylaşır mısınız, kodu, nerede, ulaşabileceğimiz,"
        " ulaşabileceğiniz, yaşıyorsunuz, bulunuyor",
        "person": "müşteri, kullanıcı, üye, katılımcı, yetkili, yetkili kişi, iletişim bilgileri,"
        " kişisel bilgiler, başvuran, hasta, öğrenci, alıcı, sipariş veren",
        "billing": "fatura, fatura bilgileri, faturalama",
        "shipping": "teslimat, kargo, gönderim, sevkiyat",
        "someone": "arkadaş, arkadaşınız, arkadaşınızın, acil durum, acil durumda, referans, tavsiye eden,"
        " davet eden",
        "aside": "eşinizin, eşiniz, veli, çocuk, çocuğunuzun, yakınınızın, yakını, yönetici, yöneticinizin,"
        " doktor, anne, baba",
        "again": "tekrar, tekrarı, tekrar giriniz, tekrar girin, onay, onayı, onayla, onaylayın, doğrulama,"
        " doğrula, yeniden, ikinci, yedek",
        "question": "nasıl, neden, niçin, ne zaman, kabul ediyorum, onaylıyorum, izin veriyorum, istiyorum,"
        " okudum, beni hatırla",
        "of": "için, ile ilgili",
        "or": "ve, veya, ya da",
    },
    "de": {  # German
        "email": "e mail adresse, email adresse, mail adresse, mailadresse, e mailadresse, emailadresse,"
        " elektronische post, e post",
        "first_name": "vorname, vornamen, rufname",
        "last_name": "nachname, familienname, zuname, nachnamen",
        "name": "wie heißen sie, wie heißt du, wie ist dein name, wie lautet ihr name, name des ansprechpartners,"
        " kontaktname",
        "full_name": "~ansprechpartnerin, ~ansprechperson, ~ansprechpartner, vor und nachname,"
        " vorname und nachname, vorname nachname, vollständiger name, vor nachname, name und vorname,"
        " name vorname, ganzer name, vor und zuname, nachname vorname, vollständiger vor und nachname,"
        " ansprechpartner in",
        "company": "firma, firmenname, unternehmen, unternehmensname, firmenbezeichnung, name der firma,"
        " name des unternehmens, name ihres unternehmens, organisation, name der organisation, betrieb,"
        " institution, arbeitgeber, firma organisation, unternehmen organisation, firma institution, verein",
        "phone": "telefon, telefonnummer, tel nr, telefon nr, rufnummer, handy, handynummer, mobil, mobilnummer,"
        " mobiltelefon, mobilfunknummer, festnetz, festnetznummer, telefon mobil, handy nr, mobilfunk,"
        " telefon privat, telefon geschäftlich, telefon tagsüber, rückrufnummer, telefonnr",
        "phone_code": "ländervorwahl, landesvorwahl, internationale vorwahl",
        "area_code": "vorwahl, ortsvorwahl",
        "address_1": "adresse, anschrift, straße, strasse, straße und hausnummer, straße hausnummer, straße nr,"
        " strasse nr, straße und nr, postanschrift, postadresse, straßenname, wohnadresse, adresszeile 1,"
        " adresszeile, str, wohnanschrift, straße u hausnummer, strassenadresse, straßenadresse, adresse 1,"
        " firmenadresse, firmenanschrift",
        "address_2": "adresszusatz, adresszeile 2, zusatz, adresse 2, adresse zusatz, wohnung, etage, stockwerk,"
        " zusätzliche adressangaben, zusatzangaben, adresse zeile 2, gebäude, wohnungsnummer",
        "house_number": "~nr, hausnummer, haus hausnr, nr, hnr",
        "city": "stadt, ort, wohnort, ortschaft, gemeinde, stadt ort, ort stadt, ortsname, wohnort stadt",
        "district": "bezirk, landkreis, kreis, stadtteil, ortsteil",
        "state": "bundesland, kanton, bundesstaat, bundesland kanton, region, bundesland region, staat bundesland",
        "postal_code": "plz, postleitzahl, postleitzahl plz, postleitzahlen",
        "country": "land, staat, wohnsitzland, herkunftsland, land region, länder",
        "tax_id": "steuernummer, ust id, ust idnr, ust id nr, umsatzsteuer id, umsatzsteuer identifikationsnummer,"
        " uid, uid nummer, mehrwertsteuernummer, ustid, ustidnr, steuer id, mwst nummer, ust nr,"
        " umsatzsteuer identnummer, umsatzsteueridentifikationsnummer",
        "message": "~frage, nachricht, mitteilung, bemerkung, bemerkungen, kommentar, kommentare, anmerkung,"
        " anmerkungen, anfrage, anliegen, ihre frage, text der nachricht, anmerkungen zur bestellung,"
        " beschreibung, wie können wir ihnen helfen, wie können wir helfen, notiz, notizen, sonstiges, hinweise,"
        " zusätzliche informationen",
        "billing_email": "rechnungs e mail, rechnungsemail, e mail für rechnungen, rechnung e mail,"
        " rechnungs email, e mail adresse für rechnungen, rechnungs e mail adresse",
        "country_name": "deutschland, österreich, schweiz, frankreich, italien, spanien, niederlande, belgien,"
        " luxemburg, dänemark, schweden, norwegen, polen, tschechien, ungarn, türkei, vereinigtes königreich,"
        " großbritannien, vereinigte staaten, kanada, griechenland, russland, kroatien",
        "other": "benutzername, nutzername, anmeldename, produktname, projektname, geburtsname, mädchenname,"
        " mädchenname der mutter, zweiter vorname, titel, anrede, position, funktion, beruf, berufsbezeichnung,"
        " abteilung, branche, rechtsform, unternehmensgröße, firmengröße, mitarbeiterzahl, anzahl mitarbeiter,"
        " betreff, thema, geburtsort, geburtsland, geburtsdatum, geburtstag, staatsangehörigkeit, nationalität,"
        " handelsregisternummer, kundennummer, bestellnummer, vertragsnummer, rechnungsnummer, mitgliedsnummer,"
        " kontonummer, kontoinhaber, bankname, bank, faxnummer, telefax, durchwahl, webseite, internetadresse,"
        " webadresse, website, homepage, schule, veranstaltung, veranstaltungsort, reiseziel, zielland,"
        " gutscheincode, gutschein, aktionscode, domainname, spitzname, alter, geschlecht, familienstand,"
        " namenszusatz, wie haben sie von uns erfahren, wie sind sie auf uns aufmerksam geworden, name des kindes,"
        " hund name, karteninhaber, dateiname",
        "article": "der, die, das, den, dem, des, ein, eine, einen, ihr, ihre, ihren, ihrer, ihres, ihrem, dein,"
        " deine, deinen, deiner, deines, sie, du, wir, uns, unser, mein, meine",
        "noise": "wohnst, wohnen, arbeitest, arbeiten, lebst, leben, lautet, welcher, welchem, welchen, erreichen,"
        " dich, dir, ihnen, dein name, bitte, eingeben, geben, gib, ein, angeben, eintragen, auswählen, wählen,"
        " ausfüllen, pflichtfeld, pflichtangabe, erforderlich, freiwillig, optional, lauten, ist, wie, welche,"
        " welches, nummer, angabe, angaben, daten, feld, geschäftlich, geschäftliche, dienstlich, dienstliche,"
        " privat, private, persönliche, aktuelle, gültige, haupt, kontakt, kontaktdaten, rückruf, falls vorhanden,"
        " wenn vorhanden, vollständige, vollständig, eure, was, heißen, heißt, in",
        "person": "kunde, kunden, kundin, besteller, teilnehmer, teilnehmerin, mitglied, antragsteller, bewerber,"
        " person, persönliche daten, benutzer, nutzer, empfänger, patient, patientin, schüler",
        "billing": "rechnung, rechnungs, rechnungsdaten",
        "shipping": "lieferung, liefer, versand",
        "someone": "freund, freundin, freundes, freunde, notfall, notfallkontakt, notfallkontakts, empfehler,"
        " empfohlen von, ansprechpartner im notfall, werber",
        "aside": "partner, ehepartner, partnerin, kind, kindes, vorgesetzter, vorgesetzten, begleitperson, mutter,"
        " vater, erziehungsberechtigter, eltern",
        "again": "bestätigen, bestätigung, wiederholen, wiederholung, erneut, nochmal, nochmals, wiederhole,"
        " bestätige, zweite, alternative",
        "question": "haben, möchten, wollen, sind, können, warum, wann, wo, woher, hast, bist, willst, möchtest,"
        " ich, ja, anzahl, soll, wurden, darf, dürfen",
        "of": "für, von, zu, zum, zur, damit, über, wegen, falls, wenn, aus",
        "or": "und, oder, u, bzw",
    },
    "fr": {  # French
        "email": "adresse e mail, adresse email, adresse mail, courriel, adresse courriel, adresse électronique,"
        " courrier électronique, adresse de messagerie, mèl, adresse de courriel, mail professionnel,"
        " e mail professionnel",
        "first_name": "prénom, prénoms, prenom usuel",
        "last_name": "nom, nom de famille, noms",
        "name": "comment vous appelez vous, comment t appelles tu",
        "full_name": "nom complet, nom et prénom, prénom et nom, nom prénom, prénom nom, noms et prénoms,"
        " nom prénoms, nom et prénoms, nom du contact, vos nom et prénom, prénoms et nom",
        "company": "entreprise, société, nom de l entreprise, nom de la société, raison sociale, nom entreprise,"
        " nom société, organisation, organisme, nom de l organisation, établissement, structure,"
        " nom de votre entreprise, nom de votre société, dénomination sociale, association, employeur,"
        " nom de l organisme, entreprise organisation",
        "phone": "téléphone, numéro de téléphone, n de téléphone, tél, portable, mobile, téléphone portable,"
        " téléphone mobile, numéro de portable, numéro de mobile, numéro de téléphone portable,"
        " numéro de téléphone mobile, téléphone fixe, fixe, n téléphone, num téléphone, gsm, cellulaire,"
        " numéro téléphone, n tel",
        "phone_code": "indicatif, indicatif pays, indicatif téléphonique, indicatif du pays",
        "address_1": "adresse, adresse postale, rue, adresse ligne 1, ligne d adresse 1, numéro et rue, n et rue,"
        " adresse 1, numéro et nom de rue, n et nom de rue, voie, adresse complète, numéro et voie, nom de rue,"
        " adresse du domicile, nom de la rue, adresse rue, n et libellé de la voie",
        "address_2": "complément d adresse, adresse 2, adresse ligne 2, ligne d adresse 2, complément adresse,"
        " appartement, bâtiment, étage, bâtiment appartement, apt, complément, appartement suite etc",
        "house_number": "numéro de rue, numéro de voie, n de rue, n de voie",
        "city": "ville, commune, localité, ville de résidence, nom de la ville, municipalité",
        "district": "arrondissement, quartier, canton",
        "province": "province",
        "state": "état, région, département, état province, région département, état région, province état",
        "postal_code": "code postal, cp, code postale, code zip, npa",
        "country": "pays, pays de résidence, pays région, pays ou région, nom du pays",
        "tax_id": "numéro de tva, n tva, tva, tva intracommunautaire, n de tva, numéro de tva intracommunautaire,"
        " numéro tva, siret, siren, n siret, numéro siret, numéro fiscal, numéro de siret,"
        " n tva intracommunautaire, n de siret",
        "message": "~question, message, commentaire, commentaires, remarque, remarques, demande, précisions,"
        " observations, notes de commande, comment pouvons nous vous aider, informations complémentaires, texte,"
        " contenu du message",
        "billing_email": "e mail de facturation, email de facturation, adresse e mail de facturation,"
        " courriel de facturation",
        "country_name": "allemagne, belgique, suisse, espagne, italie, royaume uni, états unis, pays bas,"
        " autriche, maroc, tunisie, algérie, sénégal, côte d ivoire, turquie, grèce, pologne, suède, norvège,"
        " danemark, brésil, japon, chine",
        "other": "nom d utilisateur, nom utilisateur, identifiant, pseudo, pseudonyme, nom du produit,"
        " nom de produit, produit, nom du projet, nom de jeune fille, nom de naissance, nom d usage,"
        " deuxième prénom, civilité, titre, fonction, poste, métier, profession, service, secteur,"
        " secteur d activité, objet, sujet, lieu de naissance, ville de naissance, pays de naissance,"
        " date de naissance, nationalité, taille de l entreprise, nombre de salariés, effectif, type d entreprise,"
        " forme juridique, fax, télécopie, site web, site internet, adresse du site, adresse web, adresse ip,"
        " numéro de commande, numéro client, n client, code promo, code promotionnel, nom de domaine,"
        " nom du fichier, école, établissement scolaire, nom de l école, ville de départ, ville d arrivée,"
        " pays de destination, comment avez vous connu, comment nous avez vous connu,"
        " comment avez vous entendu parler de nous, âge, sexe, situation familiale, nom de la banque,"
        " titulaire de la carte, nom sur la carte, nom de l événement, nom de l enfant, état civil",
        "article": "le, la, les, l, un, une, votre, vos, ton, ta, tes, notre, nos, mon, ma, mes, vous, nous, je,"
        " tu, d",
        "noise": "travaillez, travailles, habites, vivez, vis, résidez, vous, veuillez, entrez, saisissez, saisir,"
        " entrer, indiquez, indiquer, renseignez, renseigner, remplir, choisissez, sélectionnez, merci, svp,"
        " s il vous plaît, quel, quelle, quels, est, sont, obligatoire, facultatif, requis, optionnel, champ,"
        " champ obligatoire, numéro, n, informations, coordonnées, professionnel, professionnelle, pro, personnel,"
        " personnelle, actuel, actuelle, valide, principal, principale, contact, exemple, ex, si applicable, n°,"
        " inscrivez, où, habitez, dans, êtes, basé",
        "person": "client, cliente, utilisateur, participant, participante, adhérent, demandeur, acheteur,"
        " contact, personne, membre, candidat, destinataire, patient, vos coordonnées, élève, interlocuteur",
        "billing": "facturation, facture, de facturation",
        "shipping": "livraison, expédition, de livraison",
        "someone": "ami, amie, d un ami, parrain, urgence, contact d urgence, recommandé par, filleul",
        "aside": "conjoint, conjointe, enfant, l enfant, de l enfant, responsable, accompagnant, médecin, mère,"
        " père, parent, parents, tuteur",
        "again": "confirmer, confirmez, confirmation, répéter, répétez, vérification, encore, deuxième, second,"
        " secondaire",
        "question": "comment, pourquoi, quand, avez, souhaitez, êtes vous, voulez, acceptez, j accepte, j ai,"
        " je souhaite, je veux, oui, combien, nombre de, pouvez, désirez, as, es",
        "of": "de, du, des, pour, par, à, au, aux, que, qui, afin, sur",
        "or": "et, ou",
    },
    "es": {  # Spanish
        "email": "correo electrónico, correo, dirección de correo electrónico, dirección de correo,"
        " dirección de email, correo e, e mail, dirección email, dirección de e mail, correo corporativo,"
        " correo personal, cuenta de correo, mail de contacto",
        "first_name": "nombre, nombres, nombre de pila, primer nombre",
        "last_name": "apellido, apellidos, primer apellido, apellido paterno, apellido s",
        "name": "cómo te llamas, cómo se llama",
        "full_name": "~responsable, ~persona de contacto, nombre completo, nombre y apellido, nombre y apellidos,"
        " nombres y apellidos, nombre apellidos, apellidos y nombre, nombre apellido, nombre s y apellido s,"
        " nombre y primer apellido, apellido y nombre, nombre de contacto",
        "company": "empresa, nombre de la empresa, nombre de empresa, compañía, nombre de la compañía,"
        " razón social, organización, nombre de la organización, negocio, nombre del negocio, institución,"
        " entidad, nombre empresa, nombre de su empresa, nombre de tu empresa, nombre comercial, sociedad,"
        " empresa organización, nombre de tu negocio",
        "phone": "teléfono, número de teléfono, teléfono de contacto, teléfono móvil, móvil, celular,"
        " número de celular, número de móvil, teléfono celular, número de contacto, tel, tfno, núm de teléfono,"
        " n de teléfono, teléfono fijo, número telefónico, número de whatsapp, número de teléfono móvil, telf",
        "phone_code": "código de país del teléfono, prefijo, prefijo telefónico, prefijo internacional,"
        " prefijo de país, lada",
        "area_code": "código de área",
        "address_1": "dirección, domicilio, calle, calle y número, dirección postal, dirección 1,"
        " línea de dirección 1, dirección línea 1, dirección de la calle, vía, dirección completa, calle número,"
        " nombre de la calle, calle y n, calle 1, tipo y nombre de vía, dirección de envío,"
        " dirección de facturación",
        "address_2": "dirección 2, línea de dirección 2, dirección línea 2, piso, apartamento,"
        " departamento interior, piso puerta, escalera piso puerta, complemento de dirección, número interior,"
        " información adicional de la dirección, apartamento habitación etc, calle 2, bloque, puerta",
        "house_number": "~número, número de casa, número exterior, número de calle, n de calle",
        "city": "ciudad, población, localidad, municipio, poblado, nombre de la ciudad, ciudad de residencia,"
        " ciudad población, localidad ciudad",
        "district": "distrito, barrio, comuna, delegación, colonia, alcaldía",
        "province": "provincia",
        "state": "estado, comunidad autónoma, región, estado provincia, provincia estado, región provincia,"
        " estado región, región estado, departamento estado",
        "postal_code": "código postal, cp, c p, codigo zip, cód postal, código postal zip",
        "country": "país, país de residencia, país región, país o región, nombre del país",
        "tax_id": "nif, cif, nie, rfc, cuit, rut, nif cif, cif nif, número de identificación fiscal, dni nif,"
        " n iva, número de iva, cuil, ruc, dni cif, nif nie, nif cif nie, número fiscal, identificación fiscal,"
        " dni nie cif",
        "message": "~pregunta, mensaje, comentario, comentarios, consulta, observaciones, notas, notas del pedido,"
        " en qué podemos ayudarte, cómo podemos ayudarte, descripción, solicitud, información adicional,"
        " tu mensaje, cuéntanos, texto del mensaje, detalles",
        "billing_email": "correo de facturación, email de facturación, correo electrónico de facturación,"
        " email para facturas, correo para facturas",
        "country_name": "españa, méxico, alemania, francia, italia, reino unido, estados unidos, perú, panamá,"
        " república dominicana, brasil, canadá, japón, turquía, países bajos, bélgica, suiza",
        "other": "nombre de usuario, usuario, nombre usuario, nombre del producto, producto, nombre del proyecto,"
        " nombre del evento, segundo nombre, segundo apellido, apellido materno, apellido de soltera, título,"
        " tratamiento, cargo, puesto, profesión, ocupación, sector, departamento, asunto, tema, motivo,"
        " lugar de nacimiento, ciudad de nacimiento, país de nacimiento, fecha de nacimiento, nacionalidad,"
        " estado civil, tamaño de la empresa, tipo de empresa, número de empleados, fax, sitio web, página web,"
        " dirección web, dirección ip, número de pedido, número de cliente, código promocional, cupón,"
        " código de descuento, cómo nos conociste, cómo nos has conocido, cómo nos conoció,"
        " cómo supiste de nosotros, dominio, nombre de dominio, escuela, colegio, universidad, ciudad de destino,"
        " ciudad de origen, país de destino, edad, sexo, género, dni, pasaporte, titular de la tarjeta,"
        " nombre del titular, nombre en la tarjeta, banco, nombre del banco, nombre del niño, apodo,"
        " nombre de la mascota, nombre del archivo",
        "article": "el, la, los, las, un, una, su, sus, tu, tus, nuestro, mi, te, le, usted",
        "noise": "en qué, trabajas, de qué, desde qué, desde, escribes, nos escribes, ubicado, ubicada, trabaja,"
        " vive, reside, por favor, introduzca, introduce, ingrese, ingresa, escriba, escribe, indique, indica,"
        " seleccione, selecciona, elige, elija, cuál, cual, es, son, qué, obligatorio, opcional, requerido, campo,"
        " campo obligatorio, número, núm, n, datos, información, de contacto, contacto, profesional, corporativo,"
        " laboral, personal, actual, válido, principal, favor de, si aplica, s, en, vives, dónde, colocar,"
        " completa, anota",
        "person": "cliente, usuario registrado, contacto, solicitante, participante, asistente, comprador,"
        " titular, alumno, paciente, persona, miembro, socio, datos personales, datos de contacto, interesado,"
        " remitente",
        "billing": "facturación, factura, de facturación, cobro",
        "shipping": "envío, de envío, entrega, de entrega, destinatario",
        "someone": "amigo, amiga, de un amigo, referido, recomendado por, emergencia, contacto de emergencia",
        "aside": "cónyuge, pareja, hijo, hija, del niño, acompañante, jefe, médico, representante, madre, padre,"
        " tutor, padres",
        "again": "confirmar, confirma, confirme, confirmación, repetir, repite, repita, repetición, verificar,"
        " nuevamente, otra vez, secundario, segundo, alternativo",
        "question": "cómo, por qué, cuándo, cuántos, cuántas, tiene, tienes, desea, deseas, quiere, quieres,"
        " acepto, he leído, sí, ha, has, eres, puede, puedes, autorizo, número de personas",
        "of": "de, del, para, por, que, a, al, sobre",
        "or": "y, o, u, e",
    },
    "it": {  # Italian
        "email": "indirizzo e mail, indirizzo email, indirizzo mail, posta elettronica,"
        " indirizzo di posta elettronica, casella e mail, mail aziendale, e mail aziendale, email aziendale,"
        " indirizzo di posta",
        "first_name": "nome, nome di battesimo, nome proprio",
        "last_name": "cognome",
        "name": "come ti chiami, come si chiama",
        "full_name": "~referente, nome e cognome, nome cognome, cognome e nome, nome completo, cognome nome,"
        " nominativo, persona di riferimento",
        "company": "azienda, nome azienda, nome dell azienda, società, ragione sociale, nome della società,"
        " impresa, ditta, organizzazione, ente, nome organizzazione, denominazione, studio, azienda ente,"
        " ragione sociale azienda, nome della tua azienda, nome ditta",
        "phone": "telefono, numero di telefono, cellulare, numero di cellulare, numero cellulare,"
        " telefono cellulare, recapito telefonico, num telefono, n telefono, numero telefono, telefono fisso,"
        " recapito, numero telefonico, tel cellulare",
        "phone_code": "prefisso, prefisso internazionale, prefisso telefonico, prefisso paese",
        "address_1": "indirizzo, via, indirizzo e numero civico, via e numero civico, indirizzo 1,"
        " riga indirizzo 1, via piazza, indirizzo di residenza, indirizzo completo, indirizzo riga 1,"
        " via e numero, indirizzo di fatturazione, indirizzo di spedizione, indirizzo e n civico, nome via",
        "address_2": "indirizzo 2, riga indirizzo 2, indirizzo riga 2, interno, scala, appartamento, presso,"
        " interno scala, scala interno, piano, appartamento suite ecc, informazioni aggiuntive indirizzo, edificio",
        "house_number": "numero civico, n civico, civico",
        "city": "città, comune, località, città di residenza, comune di residenza, paese comune, città comune,"
        " città località",
        "district": "quartiere, frazione, distretto",
        "province": "provincia, prov, provincia sigla, sigla provincia",
        "state": "regione, stato provincia, regione provincia, stato regione, provincia regione",
        "postal_code": "cap, codice postale, codice di avviamento postale, cap codice postale",
        "country": "paese, nazione, stato, paese di residenza, paese regione, nazione di residenza, stato nazione",
        "tax_id": "partita iva, p iva, piva, codice fiscale, c f, partita iva codice fiscale,"
        " codice fiscale partita iva, p iva codice fiscale, n partita iva, numero di partita iva,"
        " partita iva o codice fiscale, codice fiscale p iva",
        "message": "~domanda, messaggio, commento, commenti, note, richiesta, note sull ordine, osservazioni,"
        " come possiamo aiutarti, descrizione, testo del messaggio, testo, informazioni aggiuntive,"
        " la tua richiesta",
        "billing_email": "e mail di fatturazione, email di fatturazione, email fatturazione, pec fatturazione",
        "country_name": "italia, germania, francia, spagna, regno unito, stati uniti, svizzera, belgio,"
        " paesi bassi, grecia, polonia, turchia, brasile, giappone, cina, svezia",
        "other": "nome utente, username, nome del prodotto, nome prodotto, prodotto, nome del progetto,"
        " secondo nome, cognome da nubile, titolo, professione, ruolo, qualifica, mansione, funzione, settore,"
        " oggetto, argomento, luogo di nascita, città di nascita, comune di nascita, provincia di nascita,"
        " nazione di nascita, data di nascita, nazionalità, cittadinanza, stato civile, dimensione azienda,"
        " dimensione dell azienda, numero dipendenti, numero di dipendenti, tipo di azienda, fax, sito web,"
        " sito internet, indirizzo web, indirizzo ip, numero ordine, numero d ordine, codice cliente,"
        " codice sconto, codice promozionale, coupon, pec, codice sdi, codice destinatario, codice univoco,"
        " come ci hai conosciuto, come ci ha conosciuto, come hai saputo di noi, dominio, scuola, università,"
        " paese di destinazione, città di partenza, età, sesso, genere, intestatario, titolare della carta,"
        " nome sulla carta, banca, nome evento, nome del bambino, soprannome, nome file, stato di nascita",
        "article": "lo, gli, i, un, una, uno, tuo, tua, tuoi, suo, sua, suoi, nostro, vostro, vostra, l, dell,"
        " della",
        "noise": "lavori, lavora, vive, abiti, abita, risiedi, ti, inserisci, inserire, inserisca, scrivi,"
        " scrivere, indica, indicare, specificare, seleziona, selezionare, scegli, per favore, qual, quale, è, e,"
        " obbligatorio, obbligatoria, facoltativo, opzionale, richiesto, campo, campo obbligatorio, numero, num,"
        " n, dati, informazioni, contatto, di contatto, aziendale, lavorativo, personale, personali, attuale,"
        " valido, valida, principale, compila, in, quali, sono, vivi, digita, digitare",
        "person": "cliente, utente, contatto, richiedente, partecipante, acquirente, iscritto, membro, persona,"
        " paziente, studente, dati personali, dati anagrafici, dati di contatto, mittente, socio",
        "billing": "fatturazione, fattura, di fatturazione, dati di fatturazione",
        "shipping": "spedizione, di spedizione, consegna, di consegna, destinatario",
        "someone": "amico, amica, di un amico, emergenza, contatto di emergenza, consigliato da, presentato da",
        "aside": "coniuge, figlio, figlia, bambino, del bambino, accompagnatore, medico, responsabile, madre,"
        " padre, genitore, tutore",
        "again": "conferma, confermare, ripeti, ripetere, ripeta, verifica, nuovamente, di nuovo, secondario,"
        " seconda",
        "question": "come, perché, quando, quanti, quante, hai, ha, vuoi, vuole, desideri, desidera, accetto,"
        " acconsento, autorizzo, ho letto, sì, sei, puoi, presto il consenso",
        "of": "di, del, dello, dei, degli, delle, da, per, a, al, alla, che, su",
        "or": "o, oppure, ed",
    },
    "pt": {  # Portuguese
        "email": "e mail, endereço de e mail, endereço de email, endereço eletrônico, correio eletrônico,"
        " correio electrónico, endereço eletrónico, e mail corporativo, email corporativo, email profissional",
        "first_name": "nome, primeiro nome, nome próprio, prenome",
        "last_name": "sobrenome, apelido, último nome, sobrenomes",
        "name": "como você se chama, como se chama, como devemos chamar",
        "full_name": "~responsável, ~responsavel, ~pessoa de contacto, nome completo, nome e sobrenome,"
        " nome e apelido, nome sobrenome, nome apelido, nome do contato, nome do responsável",
        "company": "empresa, nome da empresa, companhia, razão social, organização, nome da organização,"
        " instituição, entidade, negócio, nome fantasia, nome do negócio, nome da companhia, nome da sua empresa,"
        " empresa organização",
        "phone": "telefone, número de telefone, celular, telemóvel, telefone celular, número de celular,"
        " número de telemóvel, telefone de contato, telefone para contato, fone, contato telefônico,"
        " telefone fixo, telefone com ddd, celular com ddd, número do telefone, número do celular,"
        " contacto telefónico, whatsapp com ddd, telefone whatsapp, celular whatsapp",
        "phone_code": "código do país do telefone, indicativo, ddi, indicativo do país",
        "area_code": "ddd",
        "address_1": "endereço, morada, rua, logradouro, endereço 1, linha de endereço 1, endereço linha 1,"
        " rua e número, endereço completo, avenida, endereço residencial, nome da rua, rua avenida,"
        " endereço de cobrança, endereço de entrega",
        "address_2": "complemento, endereço 2, linha de endereço 2, endereço linha 2, apartamento, bloco, andar,"
        " complemento do endereço, complemento de endereço, apto, complemento opcional, localidade complemento",
        "house_number": "~número, ~numero, número da casa, número do endereço, número da residência",
        "city": "cidade, localidade, município, concelho, cidade de residência, nome da cidade, cidade município",
        "district": "bairro, distrito, freguesia",
        "province": "província",
        "state": "~uf, estado, região, estado uf, estado província, região estado, estado região",
        "postal_code": "código postal, cod postal, código de endereçamento postal, cep código postal",
        "country": "país, país de residência, país região, nome do país",
        "tax_id": "cpf, cnpj, cpf cnpj, nif, número de contribuinte, cnpj cpf, contribuinte,"
        " número de identificação fiscal, nipc, cpf ou cnpj, cnpj da empresa",
        "message": "~dúvida, ~pergunta, mensagem, comentário, comentários, observações, observação,"
        " como podemos ajudar, descrição, pedido, notas, informações adicionais, assunto da mensagem texto,"
        " solicitação, notas do pedido",
        "billing_email": "e mail de faturamento, email de faturação, email de cobrança, e mail de cobrança,"
        " e mail para faturas, e mail financeiro",
        "country_name": "brasil, portugal, espanha, frança, alemanha, itália, reino unido, estados unidos, angola,"
        " moçambique, cabo verde, suíça, japão, turquia, canadá, países baixos",
        "other": "nome de usuário, nome de utilizador, usuário, utilizador, nome do produto, produto,"
        " nome do projeto, nome do evento, nome do meio, nome de solteira, nome da mãe, nome do pai, título,"
        " cargo, função, profissão, ocupação, setor, sector, departamento, assunto, tema, motivo,"
        " local de nascimento, cidade de nascimento, naturalidade, data de nascimento, nacionalidade,"
        " estado civil, tamanho da empresa, número de funcionários, ramo de atividade, segmento, fax, site,"
        " website, endereço web, endereço do site, endereço ip, número do pedido, código do cliente,"
        " código promocional, cupom, cupom de desconto, como nos conheceu, como conheceu, como você nos conheceu,"
        " como soube de nós, domínio, escola, universidade, cidade de destino, país de destino, idade, sexo,"
        " gênero, rg, inscrição estadual, titular do cartão, nome no cartão, nome impresso no cartão, banco,"
        " nome do filho, nome da criança, nome social, ponto de referência",
        "article": "o, os, as, um, uma, seu, sua, seus, suas, teu, tua, nosso, meu, minha, você, lhe",
        "noise": "vive, reside, você mora, você trabalha, mora, chama, por favor, digite, insira, informe,"
        " preencha, escreva, indique, introduza, selecione, escolha, qual, é, são, obrigatório, opcional,"
        " requerido, campo, campo obrigatório, número, num, nº, n, dados, informações, contato, contacto,"
        " de contato, de contacto, profissional, corporativo, comercial, pessoal, atual, válido, principal, ex,"
        " exemplo, em, que, quais, trabalha, deixe, coloque",
        "person": "cliente, usuário cadastrado, contato, solicitante, participante, comprador, titular, aluno,"
        " paciente, pessoa, membro, responsável, dados pessoais, interessado, inscrito",
        "billing": "faturação, faturamento, fatura, cobrança, de cobrança, de faturação, de faturamento",
        "shipping": "entrega, envio, de entrega, de envio, destinatário",
        "someone": "amigo, amiga, de um amigo, indicado por, indicação, quem indicou, emergência,"
        " contato de emergência",
        "aside": "cônjuge, filho, filha, da criança, acompanhante, gerente, médico, mãe, pai",
        "again": "confirmar, confirme, confirmação, repetir, repita, novamente, verificar, de novo, secundário,"
        " segundo, encarregado de educação",
        "question": "como, por que, porquê, quando, quantos, quantas, tem, possui, deseja, quer, aceito, concordo,"
        " autorizo, li e, sim, você é, pode, gostaria",
        "of": "de, do, da, dos, das, para, por, a, ao, sobre, no, na",
        "or": "e, ou",
    },
    "nl": {  # Dutch
        "email": "e mailadres, emailadres, mailadres, e mail adres, email adres, elektronische post,"
        " zakelijk e mailadres",
        "first_name": "voornaam, voornamen, roepnaam",
        "last_name": "achternaam, familienaam",
        "name": "hoe heet je, hoe heet u, naam, namen",
        "full_name": "~contactpersoon, volledige naam, voor en achternaam, voornaam en achternaam,"
        " naam en achternaam, voornaam achternaam, naam contactpersoon, voor achternaam",
        "company": "bedrijf, bedrijfsnaam, naam bedrijf, naam van het bedrijf, organisatie, naam organisatie,"
        " firma, firmanaam, onderneming, organisatienaam, bedrijf organisatie, naam van uw bedrijf, instelling,"
        " vennootschap",
        "phone": "telefoon, telefoonnummer, mobiel, mobiel nummer, mobiele nummer, gsm, gsm nummer,"
        " mobiele telefoon, tel nr, telefoonnr, mobiel telefoonnummer, 06 nummer, vast nummer, vaste telefoon,"
        " telefoon mobiel",
        "phone_code": "landnummer, landcode telefoon, landennummer",
        "address_1": "adres, straat, straatnaam, straat en huisnummer, adresregel 1, straat huisnummer, adres 1,"
        " straat en nummer, straat nr, postadres, straatnaam en huisnummer, woonadres, factuuradres, afleveradres,"
        " adresregel",
        "address_2": "adresregel 2, adres 2, toevoeging, busnummer, appartement, adres toevoeging,"
        " huisnummer toevoeging, huisnummertoevoeging, extra adresregel, toev, appartement suite unit etc,"
        " verdieping",
        "house_number": "huisnummer, huisnr, huis nr, nummer en toevoeging",
        "city": "stad, plaats, woonplaats, gemeente, plaatsnaam, stad plaats",
        "district": "wijk, buurt, stadsdeel",
        "province": "provincie",
        "state": "regio, provincie staat, staat provincie",
        "postal_code": "postcode, post code",
        "country": "land, land van verblijf, land regio, landen",
        "tax_id": "btw nummer, btw, btw nr, btw id, ondernemingsnummer, btw identificatienummer, btwnummer",
        "message": "~vraag, bericht, opmerking, opmerkingen, toelichting, reactie, bestelnotities,"
        " waarmee kunnen we u helpen, omschrijving, vragen of opmerkingen, vraag of opmerking, jouw bericht",
        "billing_email": "factuur e mail, e mailadres facturatie, e mail voor facturen, factuur e mailadres,"
        " e mailadres voor facturen",
        "country_name": "nederland, belgië, duitsland, frankrijk, verenigd koninkrijk, verenigde staten,"
        " luxemburg, spanje, italië, turkije, zwitserland, oostenrijk, suriname",
        "other": "kvk, kvk nummer, kvk nr, gebruikersnaam, productnaam, product, projectnaam, meisjesnaam,"
        " tussenvoegsel, tussenvoegsels, voorletters, initialen, aanhef, titel, functie, beroep, functietitel,"
        " afdeling, branche, sector, onderwerp, geboorteplaats, geboorteland, geboortedatum, nationaliteit,"
        " burgerlijke staat, bedrijfsgrootte, aantal medewerkers, rechtsvorm, fax, faxnummer, website, webadres,"
        " ip adres, ordernummer, klantnummer, kortingscode, actiecode, hoe heeft u ons gevonden,"
        " hoe heb je ons gevonden, hoe kent u ons, domeinnaam, school, naam school, leeftijd, geslacht,"
        " rekeningnummer, naam rekeninghouder, kaarthouder, naam evenement, naam kind, naam van uw kind,"
        " bestemming, bijnaam",
        "article": "de, het, een, uw, je, jouw, jullie, onze, ons, u, mijn, jij",
        "noise": "werk, werkt, werkt u, werk je, vraag, vul, in, invullen, voer, typ, geef, op, kies, selecteer,"
        " alstublieft, aub, wat, is, zijn, welke, welk, verplicht, optioneel, niet verplicht, verplicht veld,"
        " vereist, veld, nummer, nr, gegevens, zakelijk, zakelijke, prive, persoonlijk, persoonlijke, huidige,"
        " geldig, hoofd, contact, contactgegevens, waar, woont, woon, indien van toepassing",
        "person": "klant, gebruiker, deelnemer, aanvrager, besteller, lid, persoon, persoonsgegevens, bezoeker,"
        " leerling, patient, contactpersoon gegevens, ontvanger",
        "billing": "factuur, facturatie, factuurgegevens, rekening",
        "shipping": "levering, lever, verzend, bezorg, aflever, verzending, bezorging",
        "someone": "vriend, vriendin, noodgeval, nood, contactpersoon bij nood, aanbevolen door",
        "aside": "partner, kind, kinderen, leidinggevende, introducee, huisarts, moeder, vader, ouder, voogd,"
        " ouders",
        "again": "bevestig, bevestigen, bevestiging, herhaal, herhalen, herhaling, opnieuw, nogmaals, controle,"
        " tweede",
        "question": "hoe, waarom, wanneer, heeft, heb, wilt, wil, bent, ben, gaat, ik, ja, kunt, mag, aantal,"
        " hoeveel",
        "of": "van, voor, over, om, zodat, aan, naar, bij",
        "or": "en, of",
    },
    "pl": {  # Polish
        "email": "adres e mail, adres email, e mail, poczta elektroniczna, adres poczty elektronicznej, mail,"
        " służbowy e mail, służbowy adres e mail, adres mailowy, adresu e mail",
        "first_name": "jak masz na imię, imię, imiona, pierwsze imię, imienia",
        "last_name": "nazwisko, nazwiska",
        "name": "jak się nazywasz",
        "full_name": "~osoba kontaktowa, imię i nazwisko, imię nazwisko, pełne imię i nazwisko, imiona i nazwisko,"
        " nazwisko i imię, imię i nazwisko osoby kontaktowej",
        "company": "firmie, firma, nazwa firmy, przedsiębiorstwo, organizacja, nazwa organizacji,"
        " nazwa przedsiębiorstwa, spółka, instytucja, pracodawca, firmy, nazwa instytucji, nazwa twojej firmy,"
        " nazwa firmy organizacji, nazwa pracodawcy",
        "phone": "telefon, numer telefonu, nr telefonu, telefon kontaktowy, telefon komórkowy,"
        " numer telefonu komórkowego, komórka, nr tel, numer kontaktowy, telefonu, tel komórkowy, numer komórki",
        "phone_code": "kierunkowy, numer kierunkowy, prefiks",
        "address_1": "adres, ulica, ulica i numer, ulica i nr domu, ulica i numer domu, adres 1, adres linia 1,"
        " ulica nr, ulica i nr, adres zamieszkania, ul, ulica i numer budynku, adres korespondencyjny,"
        " nazwa ulicy, adres linia pierwsza",
        "address_2": "adres 2, adres linia 2, numer mieszkania, nr mieszkania, nr lokalu, numer lokalu,"
        " mieszkanie, lokal, nr lokalu mieszkania, ciąg dalszy adresu, budynek",
        "house_number": "numer domu, nr domu, numer budynku, nr budynku",
        "city": "mieście, miasto, miejscowość, miejscowości, gmina, miasto zamieszkania, miasto miejscowość,"
        " nazwa miasta",
        "district": "dzielnica, powiat",
        "state": "województwo, region, stan, stan województwo, województwo region, wojewodztwo stan, stan powiat",
        "postal_code": "~kod, kod pocztowy, kodu pocztowego",
        "country": "kraj, państwo, kraj zamieszkania, kraj region, kraju",
        "tax_id": "nip, regon, numer nip, nip firmy, numer vat, nip ue, nr nip",
        "message": "~pytanie, wiadomość, treść, treść wiadomości, uwagi, komentarz, komentarze, zapytanie,"
        " uwagi do zamówienia, opis, dodatkowe informacje, w czym możemy pomóc, treść zapytania, dodatkowe uwagi",
        "billing_email": "e mail do faktur, adres e mail do faktur, e mail do faktury, email do faktur",
        "country_name": "polska, niemcy, czechy, słowacja, ukraina, francja, wielka brytania, stany zjednoczone,"
        " hiszpania, włochy, austria, litwa, holandia, szwecja, norwegia, turcja",
        "other": "nazwa użytkownika, login użytkownika, nazwa produktu, produkt, nazwa projektu,"
        " nazwisko panieńskie, nazwisko rodowe, drugie imię, tytuł, stanowisko, zawód, funkcja, dział, branża,"
        " temat, miejsce urodzenia, data urodzenia, kraj urodzenia, narodowość, obywatelstwo, stan cywilny,"
        " wielkość firmy, liczba pracowników, forma prawna, faks, strona www, strona internetowa, adres strony,"
        " adres www, adres ip, numer zamówienia, numer klienta, nr klienta, kod rabatowy, kod promocyjny,"
        " jak się o nas dowiedziałeś, skąd się o nas dowiedziałeś, skąd o nas wiesz, skąd dowiedziałeś się o nas,"
        " domena, szkoła, uczelnia, wiek, płeć, pesel, numer konta, nazwa banku, właściciel karty,"
        " nazwa wydarzenia, imię dziecka, imię i nazwisko dziecka, miasto docelowe, pseudonim, nick, krs",
        "article": "twój, twoja, twoje, swój, swoje, swoją, pani, pana, państwa, nasz, moje, mój, się",
        "noise": "jakiej, jakim, pracujesz, mieszkasz, pełna, pełny, dokładny, pytanie, proszę, podaj, wpisz,"
        " wprowadź, wybierz, uzupełnij, podać, wpisać, jaki, jaka, jakie, jest, są, wymagane, wymagany,"
        " opcjonalnie, opcjonalne, nieobowiązkowe, pole, pole wymagane, obowiązkowe, numer, nr, dane, informacje,"
        " kontaktowy, kontaktowe, kontakt, służbowy, firmowy, prywatny, osobiste, aktualny, główny, jeśli dotyczy,"
        " w, z, na, gdzie",
        "person": "klient, klienta, użytkownik, uczestnik, uczestnika, zamawiający, zamawiającego, członek, osoba,"
        " osoby, dane osobowe, dane kontaktowe, zgłaszający, nabywca, nabywcy, pacjent, odbiorca",
        "billing": "faktura, faktury, rozliczeniowy, dane do faktury, płatnik, do faktury, rozliczeniowe",
        "shipping": "dostawa, dostawy, wysyłka, wysyłki, do wysyłki",
        "someone": "znajomy, znajomego, przyjaciel, przyjaciela, polecający, polecającego, osoba polecająca,"
        " nagły wypadek, kontakt awaryjny, osoby do kontaktu w nagłych wypadkach",
        "aside": "małżonek, małżonka, dziecko, dziecka, partner, przełożony, osoba towarzysząca, matka, ojciec,"
        " rodzic, opiekun, rodzica, opiekuna",
        "again": "potwierdź, potwierdzenie, powtórz, ponownie, jeszcze raz, powtórzenie, drugi",
        "question": "jak, dlaczego, kiedy, czy, ile, skąd, akceptuję, wyrażam, zgadzam, chcę, tak, liczba",
        "of": "do, od, dla, dotyczy, o, który, które",
        "or": "i, lub, albo, oraz",
    },
    "sv": {  # Swedish
        "email": "e post, epost, e postadress, epostadress, mejl, mejladress, mailadress, e mailadress,"
        " e post adress",
        "first_name": "förnamn, tilltalsnamn",
        "last_name": "efternamn",
        "name": "vad heter du, namn",
        "full_name": "~kontaktperson, för och efternamn, fullständigt namn, förnamn och efternamn,"
        " namn och efternamn, hela namnet, för efternamn, förnamn efternamn",
        "company": "företag, företagsnamn, företagets namn, bolag, organisation, firma, förening, arbetsgivare,"
        " företag organisation, firmanamn, företagets eller organisationens namn, organisationsnamn, bolagsnamn",
        "phone": "telefon, telefonnummer, mobil, mobilnummer, mobiltelefon, tel nr, telefonnr, mobiltelefonnummer,"
        " telefon dagtid",
        "phone_code": "landsnummer, riktnummer land",
        "address_1": "adress, gatuadress, gata, adressrad 1, postadress, adress 1, gatunamn, gata och nummer,"
        " gatuadress 1, bostadsadress, leveransadress, fakturaadress, utdelningsadress",
        "address_2": "adressrad 2, adress 2, co adress, c o, c o adress, lägenhet, lägenhetsnummer, våning, lgh,"
        " lgh nr, lägenhet svit osv",
        "house_number": "husnummer, gatunummer",
        "city": "stad, ort, postort, kommun, bostadsort, stad ort",
        "district": "stadsdel, distrikt",
        "state": "län, landskap, region, delstat, län region",
        "postal_code": "postnummer, postnr, postkod",
        "country": "land, bosättningsland, land region, länder",
        "tax_id": "organisationsnummer, org nr, orgnr, momsnummer, vat nummer, momsregistreringsnummer,"
        " momsreg nr, org nummer",
        "message": "~fråga, meddelande, kommentar, kommentarer, övrigt, övrig information, anteckningar,"
        " beskrivning, vad kan vi hjälpa dig med, din fråga, ordernoteringar, övriga upplysningar",
        "billing_email": "faktura e post, e post för faktura, e postadress för faktura, fakturamejl",
        "country_name": "sverige, norge, danmark, finland, tyskland, storbritannien, usa, spanien, frankrike,"
        " italien, polen, turkiet, island, nederländerna",
        "other": "användarnamn, produktnamn, produkt, projektnamn, flicknamn, mellannamn, titel, befattning, yrke,"
        " roll, avdelning, bransch, ämne, födelseort, födelseland, födelsedatum, nationalitet, civilstånd,"
        " antal anställda, företagsstorlek, bolagsform, fax, webbplats, hemsida, webbadress, ip adress,"
        " ordernummer, kundnummer, rabattkod, kampanjkod, hur hörde du talas om oss, hur hittade du oss,"
        " hur fick du kontakt med oss, domännamn, skola, ålder, kön, personnummer, kontonummer, kortinnehavare,"
        " namn på kortet, barnets namn, evenemang, smeknamn, destination",
        "article": "ditt, din, dina, ert, er, era, en, ett, den, det, de, mitt, min, vår, du, ni, vi",
        "noise": "arbetar, jobbar, bor du, du, jobbar du, fråga, ange, skriv, fyll i, fyll, välj, vänligen, vad,"
        " heter, är, vilken, vilket, vilka, obligatorisk, obligatoriskt, valfritt, frivilligt, krävs, fält,"
        " obligatoriskt fält, nummer, nr, uppgifter, information, kontakt, kontaktuppgifter, arbete, jobb, privat,"
        " personlig, nuvarande, giltig, i, på, bor, in, om tillämpligt",
        "person": "kund, användare, deltagare, sökande, beställare, medlem, person, personuppgifter, besökare,"
        " patient, elev, mottagare",
        "billing": "faktura, fakturering, fakturerings, betalare",
        "shipping": "leverans, frakt",
        "someone": "vän, väns, kompis, nödfall, nödkontakt, närmast anhörig, anhörig, rekommenderad av, tipsare",
        "aside": "partner, make, maka, barn, barnets, chef, mor, far, förälder, målsman, vårdnadshavare",
        "again": "bekräfta, bekräftelse, upprepa, igen, en gång till, verifiera, andra",
        "question": "hur, varför, när, har, vill, kan, jag, ja, antal, var, skulle, godkänner, får",
        "of": "för, av, till, om, som, från",
        "or": "och, eller",
    },
    "ru": {  # Russian
        "email": "pochta, el pochta, электронная почта, эл почта, адрес электронной почты, почта, e mail адрес,"
        " имейл, емейл, электронной почты, эл адрес, электронный адрес, электронную почту, рабочая почта, емайл,"
        " мейл",
        "first_name": "imya, имя, ваше имя, имени",
        "last_name": "familiya, familia, фамилия, фамилию, фамилии",
        "full_name": "~контактное лицо, fio, familiya imya, фио, ф и о, полное имя, имя и фамилия, фамилия имя,"
        " имя фамилия, фамилия имя отчество, фамилия и имя, имя и фамилию, фамилию и имя, фио полностью,"
        " как к вам обращаться, как вас зовут, как вас называть",
        "company": "kompaniya, kompania, organizatsiya, компании, компания, название компании, организация,"
        " название организации, фирма, наименование организации, юридическое лицо, наименование компании,"
        " предприятие, название фирмы, полное наименование организации, место работы",
        "phone": "telefon nomer, nomer telefona, телефон, номер телефона, мобильный телефон, мобильный,"
        " контактный телефон, номер мобильного телефона, телефон для связи, сотовый телефон, номер мобильного,"
        " телефона, мобильный номер, сотовый, ваш номер телефона, домашний телефон, городской телефон",
        "phone_code": "код страны телефона, телефонный код",
        "address_1": "ulitsa, ulica, адрес, улица, адрес доставки, почтовый адрес, улица дом, улица и дом,"
        " улица и номер дома, адрес 1, строка адреса 1, адрес строка 1, адрес проживания, юридический адрес,"
        " улица дом квартира, название улицы, домашний адрес",
        "address_2": "kvartira, квартира, офис, адрес 2, строка адреса 2, адрес строка 2, кв, квартира офис,"
        " номер квартиры, корпус, подъезд, подъезд этаж",
        "house_number": "dom, дом, номер дома, д",
        "city": "городе, gorod, город, населённый пункт, населенный пункт, ваш город, город проживания, города",
        "district": "район",
        "state": "область, регион, край, штат, область край, регион область, республика, область регион,"
        " край область республика, область штат",
        "postal_code": "indeks, index, индекс, почтовый индекс, индекса, почтового индекса",
        "country": "стране, strana, страна, страна проживания, страну, страны, страна регион, государство",
        "tax_id": "inn, инн, инн организации, инн компании, огрн",
        "message": "~вопрос, soobshenie, soobshchenie, kommentariy, kommentarij, сообщение, комментарий,"
        " комментарии, ваш вопрос, текст сообщения, примечание, примечания, пожелания, ваше сообщение,"
        " комментарий к заказу, описание, дополнительная информация, заметки, отзыв, опишите",
        "billing_email": "почта для счетов, e mail для счетов, электронная почта для счетов",
        "country_name": "россия, российская федерация, украина, беларусь, казахстан, узбекистан, армения, грузия,"
        " азербайджан, турция, германия, сша, великобритания, франция, италия, испания, китай, киргизия,"
        " кыргызстан, молдова, израиль",
        "other": "кпп, имя пользователя, логин, название товара, название продукта, товар, название проекта,"
        " отчество, девичья фамилия, никнейм, ник, должность, профессия, отдел, отрасль, сфера деятельности, тема,"
        " тема сообщения, место рождения, дата рождения, гражданство, национальность, семейное положение, пол,"
        " возраст, размер компании, количество сотрудников, факс, сайт, веб сайт, адрес сайта, ip адрес,"
        " номер заказа, номер договора, промокод, код купона, как вы о нас узнали, откуда вы о нас узнали,"
        " откуда узнали о нас, школа, университет, город отправления, город назначения, паспорт, владелец карты,"
        " имя на карте, банк, имя ребёнка, имя ребенка, название файла, добавочный",
        "article": "ваш, ваша, ваше, ваши, вашу, вашей, вашего, твой, твоя, твоё, твое, свой, свою, своё, своего,"
        " вы, вас, мы, мой, моя, моё",
        "noise": "вы работаете, работаете, каком, какой, городе живёте, проживаете, вы живёте, пожалуйста,"
        " введите, укажите, напишите, заполните, выберите, впишите, оставьте, какая, какое, каков, обязательно,"
        " обязательное, обязательное поле, необязательно, поле, номер, данные, информация, контактный, контактные,"
        " контактная, рабочий, рабочая, личный, личная, корпоративный, корпоративная, действующий, основной,"
        " контакт, контакты, в, на, где, если есть, живёте, живете, полностью",
        "person": "клиент, клиента, пользователь, пользователя, участник, участника, заказчик, заказчика,"
        " покупатель, покупателя, заявитель, заявителя, получатель, получателя, контактные данные, личные данные,"
        " пациент, гость",
        "billing": "счёт, счет, счета, платёжный, платежный, плательщик, плательщика, оплаты,"
        " для выставления счета",
        "shipping": "доставка, доставки, отгрузки",
        "someone": "друг, друга, подруги, экстренный, экстренной связи, экстренный контакт, рекомендатель,"
        " рекомендателя, кто рекомендовал, кто вас пригласил",
        "aside": "супруг, супруга, супруги, ребёнок, ребёнка, ребенка, руководитель, руководителя, родственник,"
        " родственника, близкого, мать, отец, родитель, родителя, матери, отца",
        "again": "подтвердите, подтверждение, повторите, повтор, ещё раз, еще раз, повторно, проверка, второй,"
        " дополнительный, дополнительная",
        "question": "как, почему, когда, хотите, есть ли, сколько, согласен, согласна, я, да, нужна, нужен, хочу,"
        " являетесь",
        "of": "для, о, об, чтобы, по, от, из",
        "or": "и, или",
    },
    "ja": {  # Japanese
        "email": "メールアドレス, メール, eメール, e メール, 電子メール, eメールアドレス, 電子メールアドレス,"
        " メアド, mailアドレス, ご連絡先メールアドレス, 連絡先メールアドレス",
        "first_name": "name02, 名, 名前名, ファーストネーム, 下の名前, お名前名, 氏名名",
        "last_name": "name01, 姓, 苗字, ラストネーム, お名前姓, 氏名姓",
        "name": "~担当者, 名前, 担当者名",
        "full_name": "氏名, 姓名, フルネーム, 担当者氏名, ご担当者名, 代表者名, 担当者様名",
        "company": "会社名, 会社, 企業名, 法人名, 御社名, 貴社名, 組織名, 団体名, 勤務先, 勤務先名, 会社名団体名,"
        " 会社団体名, 貴社名団体名, 所属, 店舗名, 屋号, 所属組織, 法人団体名",
        "phone": "電話番号, 電話, 携帯電話, 携帯番号, 携帯電話番号, 連絡先電話番号, 固定電話, 携帯,"
        " 電話番号ハイフンなし, 日中連絡先, 日中の連絡先, 電話番号携帯可",
        "phone_code": "国番号",
        "address_1": "番地ビル名, 丁目番地, 町域, 町名丁目番地, 番地建物名, 住所, 番地, 町名番地, 町名, 住所1,"
        " 番地以下, 所在地, 町域番地, 市区町村以降, 住所番地, 町名番地等, ご住所1, 以降の住所, それ以降の住所",
        "address_2": "建物名, マンション名, 建物名部屋番号, 部屋番号, 住所2, ビル名, アパートマンション名, 建物,"
        " ビルマンション名, 建物名等, マンションビル名, マンション名部屋番号, 建物名号室",
        "city": "市区町村名, 市町村名, 市区町村, 市町村, 市区郡, 市, 都市, 市区, 市区郡町村",
        "district": "区",
        "state": "pref, 都道府県, 県, 都道府県名",
        "postal_code": "郵便番号, 郵便, 郵便番号ハイフンなし",
        "country": "国, 国名, 居住国, 国地域, お住まいの国, 国または地域",
        "tax_id": "法人番号, インボイス登録番号, 登録番号, 適格請求書発行事業者登録番号",
        "message": "メッセージ, お問い合わせ内容, お問合せ内容, 問い合わせ内容, 内容, ご質問, 備考, コメント,"
        " ご要望, 本文, お問い合せ内容, 質問内容, ご相談内容, ご意見ご要望, 備考欄, 詳細, 自由記入欄, 問合せ内容",
        "billing_email": "請求先メールアドレス, 請求書送付先メールアドレス",
        "country_name": "日本, アメリカ, アメリカ合衆国, 米国, 中国, 韓国, 台湾, イギリス, 英国, フランス, ドイツ,"
        " トルコ, インド, タイ, ベトナム, シンガポール",
        "other": "フリガナ, ふりがな, 氏名カナ, お名前カナ, 名前カナ, セイ, メイ, カナ, かな, 姓カナ, 名カナ,"
        " 姓フリガナ, 名フリガナ, 氏名フリガナ, お名前フリガナ, 名前フリガナ, 会社名フリガナ, 会社名カナ,"
        " ユーザー名, ユーザー id, ニックネーム, 商品名, 製品名, 件名, 役職, 役職名, 部署, 部署名, 職業, 職種,"
        " 業種, 業界, 従業員数, 会社規模, 生年月日, 誕生日, 出身地, 出生地, 国籍, 性別, 年齢, fax, fax番号,"
        " ファックス, ホームページ, ウェブサイト, サイト名, url, 注文番号, お客様番号, クーポンコード, 学校名,"
        " 大学名, プロジェクト名, イベント名, 旧姓, ミドルネーム, カード名義人, 口座名義, 銀行名, 支店名, 内線,"
        " 紹介コード, お子様のお名前, 担当部署, 曜日, 希望日",
        "article": "お, ご, の, あなた, あなたの, 様, さん, を, は, が, に, で, へ, と, です, ます, か,"
        " あなたのお, 貴, 御",
        "noise": "住まい, お住まい, どちら, どこ, どの, お勤め, 勤め, 所, ますか, でしょうか, 例, 現住所, 必須,"
        " 任意, 入力, してください, 入力してください, ください, ご記入ください, 記入, 選択, 選択してください,"
        " 教えてください, お願いします, 何, 何です, 半角, 全角, 英数字, 数字, 半角英数字, 連絡先, 情報, ハイフン,"
        " なし, ハイフンなし, あり, 欄, 項目, 現在, 個人, 会社用, 勤務先用, 必ず, お聞かせ, 漢字, ローマ字, お持ち",
        "person": "客様, お客様, 申込者, 申込者様, 購入者, 参加者, 会員, ご注文者, 注文者, 契約者, 応募者, 依頼者,"
        " ご本人, 本人, 利用者",
        "billing": "請求先, 請求, 請求書, ご請求先",
        "shipping": "お届け先, 届け先, 配送先, 発送先, 送付先, 受取人",
        "someone": "友人, お友達, 友達, 紹介者, ご紹介者, 緊急連絡先, 緊急",
        "aside": "配偶者, 子供, お子様, お子さま, 保証人, 同伴者, 上司, ご家族, 家族, 同行者, 保護者, 父, 母",
        "again": "確認, 再入力, 確認用, もう一度, 再度, 確認のため, 確認のためもう一度, 代替, 予備",
        "question": "どのように, どこで, いつ, なぜ, 同意する, 同意します, はい, 希望する, 何名, 何人",
        "of": "について, に関する, ための, ために, として",
        "or": "または, もしくは, 及び, および",
    },
    "zh": {  # Chinese
        "email": "电子邮件, 电子邮箱, 邮箱, 邮箱地址, 电子邮件地址, 邮件, 邮件地址, email地址, email 地址, 电邮,"
        " 電子郵件, 電子信箱, 郵箱, 信箱, 電郵, 電郵地址, 電子郵件地址, 电邮地址, 电子邮箱地址, 工作邮箱,"
        " 公司邮箱, 企业邮箱, 郵件地址, 邮箱账号",
        "first_name": "名",
        "last_name": "姓, 姓氏",
        "name": "名字, ~聯絡人, ~联系人, 称呼, 怎么称呼, 稱呼, 如何称呼, 聯繫人",
        "full_name": "收货人, 收件人, 姓名, 全名, 真实姓名, 联系人姓名, 聯絡人姓名, 您的姓名, 收货人姓名,"
        " 收件人姓名, 聯繫人姓名, 真實姓名",
        "company": "公司, 公司名称, 公司名, 企业名称, 单位, 单位名称, 公司名稱, 機構, 机构, 机构名称, 企业,"
        " 企業名稱, 所在公司, 工作单位, 單位名稱, 机构单位, 公司全称, 組織名稱, 贵公司名称, 店铺名称",
        "phone": "电话, 电话号码, 手机, 手机号, 手机号码, 联系电话, 联系方式, 電話, 電話號碼, 手機, 手機號碼,"
        " 聯絡電話, 行動電話, 移动电话, 固定电话, 座机, 連絡電話, 聯繫電話, 固定電話, 手機號, 您的手机, 联络电话",
        "phone_code": "国家代码, 国际区号, 國際區號, 國碼",
        "area_code": "区号, 區號",
        "address_1": "地址, 详细地址, 街道, 街道地址, 地址1, 通讯地址, 联系地址, 詳細地址, 街道名稱, 收货地址,"
        " 公司地址, 住址, 通訊地址, 聯絡地址, 家庭住址, 地址第一行, 地址第1行, 地址行1, 收件地址",
        "address_2": "地址2, 门牌号, 楼层, 单元, 公寓, 地址第二行, 地址第2行, 地址行2, 門牌號碼, 房间号,"
        " 公寓房间号, 樓層, 公寓套房单元等",
        "city": "城市, 市, 所在城市, 縣市, 县市, 您所在的城市, 城市名称",
        "district": "区, 区县, 县, 區, 鄉鎮市區, 地区县, 县区",
        "province": "省, 省份, 所在省份",
        "state": "州, 省州, 省市, 州省, 地区, 省市自治区, 區域, 地區, 州省份, 省直辖市",
        "postal_code": "邮编, 邮政编码, 郵遞區號, 郵政編碼, 邮政编号, 郵編",
        "country": "国家, 国家地区, 國家, 國家地區, 国家或地区, 所在国家, 居住国家, 所在国家地区, 國家或地區, 國別",
        "tax_id": "税号, 纳税人识别号, 統一編號, 统一社会信用代码, 稅號, 統編, 公司統編",
        "message": "留言, 消息, 内容, 备注, 留言内容, 评论, 訊息, 備註, 咨询内容, 您的留言, 問題, 问题描述, 说明,"
        " 內容, 留言內容, 需求描述, 詢問內容, 问题, 补充说明, 订单备注, 讯息, 您的需求",
        "billing_email": "发票邮箱, 账单邮箱, 收票邮箱",
        "country_name": "中国, 中國, 美国, 美國, 日本, 韩国, 韓國, 台湾, 台灣, 香港, 英国, 英國, 法国, 法國, 德国,"
        " 德國, 土耳其, 新加坡, 加拿大, 澳大利亚",
        "other": "用户名, 用户名称, 使用者名稱, 昵称, 暱稱, 产品名称, 產品名稱, 商品名称, 项目名称, 职位, 職位,"
        " 职务, 職稱, 部门, 部門, 行业, 行業, 产业, 职业, 職業, 主题, 標題, 标题, 主旨, 出生日期, 生日, 出生地,"
        " 籍贯, 国籍, 國籍, 性别, 性別, 年龄, 年齡, 传真, 傳真, 网站, 網站, 网址, 網址, 公司网址, 公司规模,"
        " 员工人数, 公司类型, 订单号, 客户编号, 优惠码, 優惠碼, 推荐码, 邀请码, 学校, 學校, 微信, 微信号, qq,"
        " qq号, 身份证, 身份证号, 银行名称, 持卡人, 持卡人姓名, 账户名, 孩子姓名, 活动名称, 域名, 法人, 分机,"
        " 您是如何知道我们的, 从何处得知",
        "article": "您的, 你的, 您, 你, 的, 我, 我的, 贵, 請, 请",
        "noise": "哪里, 哪裡, 哪个, 就职, 居住, 请问, 住在, 请输入, 请填写, 请选择, 請輸入, 請填寫, 請選擇, 输入,"
        " 填写, 选择, 必填, 选填, 必填项, 可选, 是, 是什么, 什么, 是什麼, 什麼, 哪家, 為, 为, 信息, 资料, 資料,"
        " 号码, 常用, 有效, 工作, 个人, 個人, 当前, 目前, 所在, 在, 联系, 聯絡, 告诉我们, 输, 入, 非必填, 選填,"
        " 有效的",
        "person": "客户, 用户, 会员, 申请人, 报名人, 购买人, 訂購人, 顾客, 學員, 学员, 参会人, 参加者, 申請人,"
        " 報名者",
        "billing": "账单, 帳單, 发票, 發票, 开票, 抬头, 发票抬头, 付款",
        "shipping": "收货, 配送, 收件, 送货, 送貨, 寄送, 运送, 運送",
        "someone": "朋友, 好友, 朋友的, 推荐人, 推薦人, 介绍人, 介紹人, 紧急联系人, 緊急聯絡人, 紧急, 緊急",
        "aside": "配偶, 孩子, 子女, 上级, 邀请人, 家长, 父亲, 母亲",
        "again": "确认, 確認, 再次, 再次输入, 再次輸入, 重复, 重複, 验证, 備用, 备用, 監護人",
        "question": "如何, 怎样, 为什么, 什么时候, 是否, 同意, 我同意, 几个, 多少",
        "of": "关于, 用于, 以便, 關於",
        "or": "或, 和, 及, 或者, 與",
    },
    "ko": {  # Korean
        "email": "이메일, 이메일 주소, 메일, 메일 주소, 전자우편, 전자 메일, 이메일주소, 전자메일, 전자우편주소,"
        " e메일, 회사 이메일, 업무용 이메일, 메일주소",
        "first_name": "이름만, 명",
        "last_name": "성, 성씨",
        "name": "~담당자, 주문하시는 분, 신청하시는 분, 주문하시는분, 보내는 분, 예약하시는 분, 이름, 담당자명,"
        " 담당자 이름, 신청자명, 주문자명",
        "full_name": "성명, 성함, 전체 이름, 이름 성, 성과 이름, 담당자 성함, 이름성함, 실명, 담당자 성명,"
        " 신청자 성명, 고객명",
        "company": "회사, 회사명, 기업명, 상호, 업체명, 소속, 기관명, 단체명, 회사 이름, 상호명, 법인명, 소속기관,"
        " 직장명, 회사 기관명, 소속 회사, 조직명, 사업자명",
        "phone": "hp, 휴대폰번호, 전화번호, 전화, 휴대폰, 휴대전화, 핸드폰, 연락처, 휴대폰 번호, 휴대전화번호,"
        " 핸드폰 번호, 핸드폰번호, 전화 번호, 휴대전화 번호, 연락 가능한 전화번호, 유선전화, 일반전화,"
        " 연락처 번호, 연락 번호",
        "phone_code": "국가번호, 국가 번호",
        "area_code": "지역번호",
        "address_1": "주소, 기본 주소, 도로명 주소, 도로명주소, 기본주소, 주소 1, 주소1, 거리 주소, 집 주소,"
        " 배송지 주소, 회사 주소, 도로명",
        "address_2": "상세 주소, 상세주소, 나머지 주소, 주소 2, 주소2, 동호수, 동 호수, 나머지주소, 건물명",
        "city": "도시, 시, 시군구, 시 군 구, 도시명, 구 군, 거주 도시",
        "district": "구, 군, 동, 읍면동",
        "province": "도",
        "state": "시도, 시 도, 지역, 주",
        "postal_code": "우편번호, 우편 번호",
        "country": "국가, 나라, 거주 국가, 국가 지역, 국가명, 거주국, 국가지역",
        "tax_id": "사업자등록번호, 사업자 등록번호, 사업자 번호, 사업자번호",
        "message": "메시지, 문의 내용, 문의내용, 내용, 비고, 요청사항, 메모, 남기실 말씀, 질문, 배송 메시지,"
        " 상담 내용, 문의사항, 코멘트, 기타 문의, 하고 싶은 말, 요청 사항, 상담내용, 문의 사항, 기타사항,"
        " 추가 문의",
        "billing_email": "세금계산서 이메일, 청구서 이메일, 세금계산서 수신 이메일, 계산서 이메일",
        "country_name": "대한민국, 한국, 미국, 일본, 중국, 대만, 영국, 프랑스, 독일, 튀르키예, 터키, 베트남, 인도,"
        " 싱가포르",
        "other": "아이디, 사용자 이름, 사용자명, 닉네임, 별명, 상품명, 제품명, 프로젝트명, 직책, 직급, 직위, 부서,"
        " 부서명, 직업, 업종, 산업, 제목, 문의 제목, 생년월일, 생일, 출생지, 국적, 성별, 나이, 연령, 팩스,"
        " 팩스번호, 홈페이지, 웹사이트, 사이트 주소, 웹사이트 주소, 홈페이지 주소, 주문번호, 고객번호, 쿠폰번호,"
        " 쿠폰 코드, 추천 코드, 학교, 학교명, 은행명, 예금주, 계좌번호, 카드 소유자, 회사 규모, 직원 수, 이벤트명,"
        " 도메인, 영문 이름, 영문명, 중간 이름, 알게 된 경로, 유입 경로, 담당 업무, 참석 인원",
        "article": "귀하의, 당신의, 고객님의, 의, 을, 를, 은, 는, 이, 가, 에, 님, 고객님, 내, 귀하, 당신,"
        " 무엇입니까, 무엇인가요, 어떻게 되세요, 어떻게 되시나요, 어떻게 되나요, 로, 으로",
        "noise": "어느, 근무하시나요, 거주하시나요, 에서, 에, 근무하시는, 거주하시는, 사시나요, 다니시나요,"
        " 어떻게, 되시나요, 입력, 입력하세요, 입력해 주세요, 입력해주세요, 입력하십시오, 선택, 선택하세요,"
        " 선택해주세요, 적어주세요, 적어 주세요, 작성, 작성해주세요, 알려주세요, 알려 주세요, 필수, 필수입력,"
        " 필수 입력, 선택사항, 선택 사항, 번호, 정보, 연락, 업무용, 개인, 회사용, 현재, 주 사용, 기재,"
        " 기재해주세요, 남겨주세요, 해주세요, 해 주세요, 주세요, 하세요, 필수항목, 필수 항목, 예시, 무엇, 인가요,"
        " 입니까",
        "person": "고객, 신청자, 주문자, 회원, 참가자, 사용자 정보, 구매자, 가입자, 신청인, 예약자, 수취인,"
        " 방문자, 참석자",
        "billing": "청구, 청구지, 결제, 계산서",
        "shipping": "배송, 배송지, 받는 사람, 받는분, 받으시는 분, 수령인, 수령자",
        "someone": "친구, 친구의, 추천인, 추천인의, 비상 연락처, 비상연락처, 비상연락망, 긴급 연락처, 긴급연락처,"
        " 긴급, 비상, 소개자",
        "aside": "배우자, 자녀, 아이, 상사, 동반자, 대리인, 보호자, 부모님, 어머니, 아버지",
        "again": "확인, 재입력, 다시, 다시 입력, 한번 더, 한 번 더, 재확인, 보조",
        "question": "어떻게, 왜, 언제, 동의, 동의합니다, 몇, 네, 희망, 원하시",
        "of": "위한, 위해, 대한, 관한",
        "or": "또는, 및, 와, 과, 혹은",
    },
    "ar": {  # Arabic
        "email": "البريد الإلكتروني, البريد الالكتروني, بريدك الإلكتروني, بريد إلكتروني, بريد الكتروني, الايميل,"
        " الإيميل, ايميل, إيميل, إيميلك, عنوان البريد الإلكتروني, البريد, ايميلك, عنوان بريدك الإلكتروني,"
        " بريد العمل, عنوان البريد",
        "first_name": "الاسم الأول, اسمك الأول, الإسم الأول, الاسم الاول, الاسم الشخصي, اسم الأول",
        "last_name": "اسم العائلة, الاسم الأخير, الاسم الاخير, اللقب, الكنية, اسم عائلتك, الإسم الأخير, النسب,"
        " اسمك الأخير, لقب العائلة",
        "name": "الاسم, اسمك, الإسم, اسم, اسمكم, اسم مقدم الطلب, اسم العميل",
        "full_name": "الاسم الكامل, الاسم بالكامل, اسمك الكامل, الاسم الثلاثي, الاسم الرباعي, الاسم واللقب,"
        " الإسم الكامل, الاسم واسم العائلة, الاسم كاملا, اسمك بالكامل, اسم الشخص المسؤول, الاسم الأول واسم العائلة",
        "company": "الشركة, اسم الشركة, شركتك, اسم شركتك, المؤسسة, اسم المؤسسة, المنظمة, اسم المنظمة, الجهة,"
        " جهة العمل, اسم الجهة, شركة, اسم المنشأة, المنشأة, اسم النشاط التجاري",
        "phone": "الهاتف, رقم الهاتف, رقم الجوال, الجوال, رقم هاتفك, الموبايل, رقم الموبايل, هاتف, جوال,"
        " رقم المحمول, الهاتف المحمول, رقم التواصل, هاتفك, رقم جوالك, رقم الاتصال, رقم الهاتف المحمول,"
        " رقم الواتساب, التليفون, رقم التليفون, الواتساب, رقم الواتس, رقم هاتف",
        "phone_code": "مفتاح الدولة, رمز الاتصال, كود الدولة, مفتاح البلد",
        "address_1": "العنوان, عنوانك, الشارع, عنوان الشارع, اسم الشارع, العنوان 1, عنوان السكن, عنوان,"
        " العنوان الأول, العنوان التفصيلي, سطر العنوان 1, العنوان الوطني, العنوان بالتفصيل, عنوان التوصيل,"
        " عنوان الشركة",
        "address_2": "الجناح, الوحدة, الشقة الجناح الوحدة, العنوان 2, الشقة, رقم الشقة, المبنى, الطابق,"
        " العنوان الثاني, سطر العنوان 2, رقم الوحدة, رقم المبنى, الشقة أو الطابق",
        "house_number": "رقم المنزل, رقم البيت",
        "city": "المدينة, مدينة, مدينتك, مدينة الإقامة, اسم المدينة, البلدة",
        "district": "الحي, المنطقة السكنية, حي, القضاء",
        "province": "المحافظة, محافظة, المقاطعة",
        "state": "الولاية, المنطقة, الإقليم, ولاية, المنطقة المحافظة, الولاية المقاطعة",
        "postal_code": "الرمز البريدي, الرقم البريدي, رمز بريدي, صندوق البريد والرمز, الكود البريدي",
        "country": "الدولة, البلد, دولة, بلد, بلدك, دولتك, بلد الإقامة, دولة الإقامة, البلد المنطقة",
        "tax_id": "الرقم الضريبي, رقم ضريبي, رقم التسجيل الضريبي, رقم السجل الضريبي",
        "message": "الرسالة, رسالتك, رسالة, ملاحظات, تعليق, استفسارك, نص الرسالة, الاستفسار, تعليقات, سؤالك,"
        " تفاصيل, تفاصيل الطلب, ملاحظاتك, الملاحظات, محتوى الرسالة, معلومات إضافية, طلبك, كيف يمكننا مساعدتك,"
        " التعليق",
        "billing_email": "بريد الفواتير, البريد الإلكتروني للفواتير",
        "country_name": "السعودية, المملكة العربية السعودية, مصر, الإمارات, الإمارات العربية المتحدة, الكويت, قطر,"
        " البحرين, عمان, سلطنة عمان, الأردن, لبنان, سوريا, العراق, المغرب, الجزائر, تونس, ليبيا, السودان, اليمن,"
        " فلسطين, تركيا, ألمانيا, فرنسا, بريطانيا, المملكة المتحدة, الولايات المتحدة, امريكا",
        "other": "اسم المستخدم, اسم المنتج, المنتج, اسم المشروع, الموضوع, عنوان الرسالة, موضوع الرسالة,"
        " المسمى الوظيفي, الوظيفة, المهنة, القسم, القطاع, المجال, مكان الميلاد, تاريخ الميلاد, الجنسية, الجنس,"
        " العمر, الحالة الاجتماعية, الفاكس, الموقع, الموقع الإلكتروني, عنوان الموقع, رقم الطلب, رقم العميل,"
        " كود الخصم, رمز القسيمة, رقم الهوية, رقم الجواز, اسم الأم, اسم الأب, اسم المدرسة, الجامعة, حجم الشركة,"
        " عدد الموظفين, نوع الشركة, كيف سمعت عنا, كيف عرفت عنا, كيف تعرفت علينا, اسم الفعالية, اسم الطفل,"
        " اسم حامل البطاقة, البنك, اسم البنك, الاسم الأوسط, عنوان ip, اسم الحساب, السجل التجاري,"
        " رقم السجل التجاري, بلد الميلاد, بلد الوجهة",
        "article": "الخاص, الخاصة, بك, بكم, لديك, لك, الخاص بك, الخاص بكم, الخاصه بك",
        "noise": "في أي, أي, تعمل, تسكن, إلخ, الخ, وغيرها, أدخل, ادخل, يرجى, يرجى إدخال, الرجاء, الرجاء إدخال,"
        " إدخال, ادخال, اكتب, كتابة, اختر, اختيار, حدد, من فضلك, ما, هو, هي, ما هو, ما هي, مطلوب, مطلوبة, إلزامي,"
        " اختياري, حقل, حقل مطلوب, رقم, معلومات, بيانات, بيانات الاتصال, التواصل, العمل, الشخصي, الشخصية, الحالي,"
        " صحيح, للتواصل, في, أين, تقيم, تعيش, الرسمي, إجباري, مثال, قم, قم بإدخال",
        "person": "العميل, المستخدم, المشترك, المشارك, مقدم الطلب, صاحب الطلب, المتقدم, المشتري, الشخص,"
        " البيانات الشخصية, الزائر, المسجل, المستلم",
        "billing": "الفاتورة, الفوترة, فاتورة, الدفع",
        "shipping": "الشحن, التوصيل, التسليم",
        "someone": "صديق, صديقك, صديقي, الصديق, الطوارئ, جهة اتصال الطوارئ, حالات الطوارئ, المرشح, المحيل",
        "aside": "الزوج, الزوجة, الطفل, طفلك, المدير, القريب, مرافق, المرافق, ولي الأمر, الوالد, الأم, الأب",
        "again": "تأكيد, أكد, إعادة, أعد, أعد إدخال, إعادة إدخال, مرة أخرى, تحقق, التأكيد, ثانوي, إضافي, البديل",
        "question": "كيف, لماذا, متى, هل, أوافق, اوافق, نعم, أرغب, كم, عدد",
        "of": "عن, من أجل, الذي, التي, بخصوص",
        "or": "أو, و, او",
    },
    "hi": {  # Hindi
        "email": "ईमेल, ई मेल, ईमेल पता, ई मेल पता, ईमेल आईडी, ई मेल आईडी, ईमेल एड्रेस, मेल, इमेल, ईमेल आइडी, मेल आईडी",
        "first_name": "पहला नाम, प्रथम नाम, फर्स्ट नेम",
        "last_name": "उपनाम, अंतिम नाम, कुलनाम, सरनेम, आखिरी नाम, लास्ट नेम",
        "name": "नाम, शुभ नाम, ग्राहक का नाम, आवेदक का नाम, नाम नेम",
        "full_name": "पूरा नाम, नाम और उपनाम, फुल नेम, नाम उपनाम, संपूर्ण नाम, सम्पूर्ण नाम",
        "company": "कंपनी, कंपनी का नाम, संस्था, संस्था का नाम, संगठन, संगठन का नाम, व्यवसाय, व्यवसाय का नाम,"
        " फर्म का नाम, कम्पनी, कम्पनी का नाम, संस्थान, संस्थान का नाम, फर्म",
        "phone": "फोन, फ़ोन, फोन नंबर, फ़ोन नंबर, मोबाइल, मोबाइल नंबर, मोबाइल संख्या, दूरभाष, संपर्क नंबर,"
        " संपर्क नम्बर, मोबाइल नम्बर, फोन नम्बर, व्हाट्सएप नंबर, सम्पर्क नंबर, दूरभाष संख्या, दूरभाष नंबर,"
        " मोबाईल नंबर, व्हाट्सऐप नंबर",
        "address_1": "पता, घर का पता, सड़क, सड़क का पता, गली, पता पंक्ति 1, पूरा पता, डाक पता, स्थायी पता,"
        " वर्तमान पता, पता 1, गली का पता",
        "address_2": "पता पंक्ति 2, पता 2, फ्लैट, अपार्टमेंट, मंजिल, फ्लैट नंबर, इमारत",
        "house_number": "मकान नंबर, घर का नंबर, मकान संख्या",
        "city": "शहर, नगर, शहर का नाम, गाँव, गांव, कस्बा, शहर कस्बा, गांव शहर",
        "district": "जिला, ज़िला, जनपद, तहसील",
        "state": "राज्य, प्रदेश, राज्य का नाम, प्रांत",
        "postal_code": "पिन कोड, पिनकोड, डाक कोड, पोस्टल कोड, पिन, ज़िप कोड, जिप कोड",
        "country": "देश, राष्ट्र, देश का नाम, निवास का देश, देश क्षेत्र",
        "tax_id": "जीएसटी नंबर, जीएसटी, पैन नंबर, जीएसटी संख्या, जीएसटीआईएन",
        "message": "संदेश, सन्देश, टिप्पणी, प्रश्न, सुझाव, पूछताछ, विवरण, अपना संदेश, शिकायत, मैसेज, सवाल,"
        " हम आपकी क्या मदद कर सकते हैं",
        "billing_email": "बिलिंग ईमेल, चालान ईमेल",
        "country_name": "भारत, नेपाल, बांग्लादेश, पाकिस्तान, श्रीलंका, अमेरिका, संयुक्त राज्य अमेरिका,"
        " यूनाइटेड किंगडम, ब्रिटेन, जर्मनी, फ्रांस, तुर्की, जापान, चीन",
        "other": "उपयोगकर्ता नाम, यूजर नेम, यूज़रनेम, यूजरनेम, उत्पाद का नाम, उत्पाद, परियोजना का नाम, विषय, पद,"
        " पदनाम, व्यवसाय का प्रकार, पेशा, विभाग, जन्म तिथि, जन्मतिथि, जन्म स्थान, राष्ट्रीयता, लिंग, आयु, उम्र,"
        " पिता का नाम, माता का नाम, पति का नाम, मध्य नाम, वेबसाइट, वेबसाइट का पता, फैक्स, ऑर्डर नंबर, कूपन कोड,"
        " आधार नंबर, विद्यालय का नाम, स्कूल का नाम, कॉलेज का नाम, बैंक का नाम, कर्मचारियों की संख्या,"
        " आपको हमारे बारे में कैसे पता चला, हमारे बारे में कैसे पता चला, बच्चे का नाम, कार्यक्रम का नाम,"
        " रेफरल कोड, कार्ड धारक का नाम",
        "article": "आपका, आपकी, आपके, अपना, अपनी, अपने, तुम्हारा, मेरा, आप, का, की, के, को",
        "noise": "किस, रहते हैं, काम करते हैं, काम करते, रहते, करते, कहाँ, कृपया, दर्ज करें, दर्ज, लिखें, भरें,"
        " चुनें, डालें, बताएं, बताएँ, क्या है, क्या, है, कौन सा, कौन, आवश्यक, अनिवार्य, वैकल्पिक, ऐच्छिक, जरूरी,"
        " ज़रूरी, नंबर, नम्बर, संख्या, जानकारी, संपर्क, वर्तमान, मान्य, व्यक्तिगत, कार्यालय, करें, हैं, यहाँ,"
        " यहां, प्रदान करें, में",
        "person": "संपर्क व्यक्ति, व्यक्ति, ग्राहक, आवेदक, सदस्य, प्रतिभागी, उपयोगकर्ता की जानकारी, खरीदार, छात्र,"
        " मरीज, रोगी",
        "billing": "बिलिंग, बिल, चालान, भुगतान",
        "shipping": "शिपिंग, डिलीवरी, वितरण, प्राप्तकर्ता",
        "someone": "मित्र, मित्र का, दोस्त, आपातकालीन, आपातकालीन संपर्क, संदर्भकर्ता, रेफरर, अनुशंसक",
        "aside": "पति, पत्नी, बच्चे, बच्चे का, अभिभावक का, प्रबंधक, माता, पिता, अभिभावक",
        "again": "पुष्टि, पुष्टि करें, दोबारा, फिर से, पुनः, सत्यापित करें, वैकल्पिक दूसरा",
        "question": "कैसे, क्यों, कब, मैं सहमत, सहमत, हाँ, कितने",
        "of": "के लिए, के बारे में, हेतु",
        "or": "या, और, एवं",
    },
}
