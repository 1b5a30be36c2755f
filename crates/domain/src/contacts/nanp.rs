//! Time zones of the North American area codes.
//!
//! An area code that is cut by a zone border, and an overlay of such a code, has every zone it touches. A code that is
//! not listed (toll-free, personal, new) has none.

use std::sync::LazyLock;

const EASTERN: &[&str] = &["America/New_York"];
const CENTRAL: &[&str] = &["America/Chicago"];
const MOUNTAIN: &[&str] = &["America/Denver"];
const PACIFIC: &[&str] = &["America/Los_Angeles"];
const EASTERN_CENTRAL: &[&str] = &["America/New_York", "America/Chicago"];
const CENTRAL_MOUNTAIN: &[&str] = &["America/Chicago", "America/Denver"];
const INDIANA: &[&str] = &["America/Indiana/Indianapolis"];
const INDIANA_CENTRAL: &[&str] = &["America/Indiana/Indianapolis", "America/Chicago"];
const BRITISH_COLUMBIA: &[&str] = &["America/Vancouver", "America/Edmonton", "America/Dawson_Creek"];

/// State, province or country, its area codes, their zones.
const AREAS: &[(&str, &str, &[&str])] = &[
    ("Alabama", "205 251 256 334 659 938", CENTRAL),
    ("Alaska", "907", &["America/Anchorage", "America/Adak"]),
    ("Arizona", "480 520 602 623", &["America/Phoenix"]),
    ("Arizona, Navajo Nation", "928", &["America/Phoenix", "America/Denver"]),
    ("Arkansas", "327 479 501 870", CENTRAL),
    ("California", "209 213 279 310 323 341 350 357 369 408 415 424 442 510 530 559 562 619 626 628 650 657 661 669 707", PACIFIC),
    ("California", "714 738 747 760 805 818 820 831 837 840 858 909 916 925 949 951", PACIFIC),
    ("Colorado", "303 719 720 748 970 983", MOUNTAIN),
    ("Connecticut", "203 475 860 959", EASTERN),
    ("Delaware", "302", EASTERN),
    ("District of Columbia", "202 771", EASTERN),
    ("Florida", "239 305 321 324 352 386 407 561 645 656 689 727 728 754 772 786 813 863 904 941 954", EASTERN),
    ("Florida, panhandle", "448 850", EASTERN_CENTRAL),
    ("Georgia", "229 404 470 478 678 706 762 770 912 943", EASTERN),
    ("Hawaii", "808", &["Pacific/Honolulu"]),
    ("Idaho", "208 986", &["America/Boise", "America/Los_Angeles"]),
    ("Illinois", "217 224 309 312 331 447 464 618 630 708 730 773 779 815 847 861 872", CENTRAL),
    ("Indiana", "260 317 463 765", INDIANA),
    ("Indiana, both zones", "219 574 812 930", INDIANA_CENTRAL),
    ("Iowa", "319 515 563 641 712", CENTRAL),
    ("Kansas", "316 913", CENTRAL),
    ("Kansas, west", "620 785", CENTRAL_MOUNTAIN),
    ("Kentucky", "502 859", EASTERN),
    ("Kentucky, both zones", "270 364 606", EASTERN_CENTRAL),
    ("Louisiana", "225 318 337 457 504 985", CENTRAL),
    ("Maine", "207", EASTERN),
    ("Maryland", "227 240 301 410 443 667", EASTERN),
    ("Massachusetts", "339 351 413 508 617 774 781 857 978", EASTERN),
    ("Michigan", "231 248 269 313 517 586 616 679 734 810 947 989", &["America/Detroit"]),
    ("Michigan, upper peninsula", "906", &["America/Detroit", "America/Menominee"]),
    ("Minnesota", "218 320 507 612 651 763 924 952", CENTRAL),
    ("Mississippi", "228 471 601 662 769", CENTRAL),
    ("Missouri", "235 314 417 557 573 636 660 816 975", CENTRAL),
    ("Montana", "406", MOUNTAIN),
    ("Nebraska", "402 531", CENTRAL),
    ("Nebraska, west", "308", CENTRAL_MOUNTAIN),
    ("Nevada", "702 725", PACIFIC),
    ("Nevada, with West Wendover", "775", &["America/Los_Angeles", "America/Denver"]),
    ("New Hampshire", "603", EASTERN),
    ("New Jersey", "201 551 609 640 732 848 856 862 908 973", EASTERN),
    ("New Mexico", "505 575", MOUNTAIN),
    ("New York", "212 315 329 332 347 363 516 518 585 607 624 631 646 680 716 718 838 845 914 917 929 934", EASTERN),
    ("North Carolina", "252 336 472 704 743 828 910 919 980 984", EASTERN),
    ("North Dakota", "701", CENTRAL_MOUNTAIN),
    ("Ohio", "216 220 234 283 326 330 380 419 436 440 513 567 614 740 937", EASTERN),
    ("Oklahoma", "405 539 572 580 918", CENTRAL),
    ("Oregon", "503 971", PACIFIC),
    ("Oregon, with Malheur County", "458 541", &["America/Los_Angeles", "America/Boise"]),
    ("Pennsylvania", "215 223 267 272 412 445 484 570 582 610 717 724 814 835 878", EASTERN),
    ("Rhode Island", "401", EASTERN),
    ("South Carolina", "803 821 839 843 854 864", EASTERN),
    ("South Dakota", "605", CENTRAL_MOUNTAIN),
    ("Tennessee, east", "865", EASTERN),
    ("Tennessee, both zones", "423", EASTERN_CENTRAL),
    ("Tennessee", "615 629 731 901 931", CENTRAL),
    ("Texas", "210 214 254 281 325 346 361 409 430 469 512 621 682 713 726 737 806 817 830 832 903 936 940 945 956 972 979", CENTRAL),
    ("Texas, west", "432 915", CENTRAL_MOUNTAIN),
    ("Utah", "385 435 801", MOUNTAIN),
    ("Vermont", "802", EASTERN),
    ("Virginia", "276 434 540 571 686 703 757 804 826 948", EASTERN),
    ("Washington", "206 253 360 425 509 564", PACIFIC),
    ("West Virginia", "304 681", EASTERN),
    ("Wisconsin", "262 274 353 414 534 608 715 920", CENTRAL),
    ("Wyoming", "307", MOUNTAIN),
    ("American Samoa", "684", &["Pacific/Pago_Pago"]),
    ("Guam", "671", &["Pacific/Guam"]),
    ("Northern Mariana Islands", "670", &["Pacific/Saipan"]),
    ("Puerto Rico", "787 939", &["America/Puerto_Rico"]),
    ("US Virgin Islands", "340", &["America/St_Thomas"]),
    ("Alberta", "368 403 587 780 825", &["America/Edmonton"]),
    ("British Columbia", "236 250 257 604 672 778", BRITISH_COLUMBIA),
    ("Manitoba", "204 431 584", &["America/Winnipeg"]),
    ("New Brunswick", "428 506", &["America/Moncton"]),
    ("Newfoundland and Labrador", "709 879", &["America/St_Johns", "America/Goose_Bay"]),
    ("Nova Scotia, Prince Edward Island", "782 902", &["America/Halifax"]),
    ("Ontario", "226 249 289 343 365 382 416 437 519 548 613 647 683 705 742 753 905 942", &["America/Toronto"]),
    ("Ontario, north-west", "807", &["America/Toronto", "America/Winnipeg"]),
    ("Quebec", "263 354 438 450 468 514 579 819 873", &["America/Toronto"]),
    ("Quebec, east", "367 418 581", &["America/Toronto", "America/Halifax"]),
    ("Saskatchewan", "306 474 639", &["America/Regina", "America/Edmonton"]),
    ("Yukon and the North", "867", &["America/Whitehorse", "America/Edmonton", "America/Winnipeg", "America/Iqaluit", "America/Resolute"]),
    ("Anguilla", "264", &["America/Anguilla"]),
    ("Antigua and Barbuda", "268", &["America/Antigua"]),
    ("Bahamas", "242", &["America/Nassau"]),
    ("Barbados", "246", &["America/Barbados"]),
    ("Bermuda", "441", &["Atlantic/Bermuda"]),
    ("British Virgin Islands", "284", &["America/Tortola"]),
    ("Cayman Islands", "345", &["America/Cayman"]),
    ("Dominica", "767", &["America/Dominica"]),
    ("Dominican Republic", "809 829 849", &["America/Santo_Domingo"]),
    ("Grenada", "473", &["America/Grenada"]),
    ("Jamaica", "658 876", &["America/Jamaica"]),
    ("Montserrat", "664", &["America/Montserrat"]),
    ("Saint Kitts and Nevis", "869", &["America/St_Kitts"]),
    ("Saint Lucia", "758", &["America/St_Lucia"]),
    ("Saint Vincent", "784", &["America/St_Vincent"]),
    ("Sint Maarten", "721", &["America/Lower_Princes"]),
    ("Trinidad and Tobago", "868", &["America/Port_of_Spain"]),
    ("Turks and Caicos", "649", &["America/Grand_Turk"]),
];

/// Area code to zones, for constant-time look-up while loading.
static BY_AREA_CODE: LazyLock<Vec<&'static [&'static str]>> = LazyLock::new(|| {
    let mut zones: Vec<&'static [&'static str]> = vec![&[]; 1000];
    for (_, codes, of_area) in AREAS {
        for code in codes.split(' ').filter_map(|code| code.parse::<usize>().ok()) {
            zones[code] = of_area;
        }
    }
    zones
});

/// The zones of a ten-digit national number.
#[must_use]
pub fn zones(national: &str) -> &'static [&'static str] {
    let area = national.get(..3).filter(|_| national.len() == 10).and_then(|code| code.parse::<usize>().ok());
    area.and_then(|code| BY_AREA_CODE.get(code)).copied().unwrap_or(&[])
}

#[cfg(test)]
pub(crate) fn all_zones() -> impl Iterator<Item = &'static &'static str> {
    AREAS.iter().flat_map(|(_, _, zones)| zones.iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_three_digits_and_listed_once() {
        let codes: Vec<&str> = AREAS.iter().flat_map(|(_, codes, _)| codes.split(' ')).collect();
        let distinct: std::collections::BTreeSet<_> = codes.iter().collect();
        assert_eq!(distinct.len(), codes.len());
        assert!(codes.iter().all(|code| code.len() == 3 && code.parse::<u16>().is_ok_and(|value| value >= 200)));
    }

    #[test]
    fn a_code_that_is_cut_by_a_border_has_both_zones_and_toll_free_has_none() {
        assert_eq!(zones("2125550100"), EASTERN);
        assert_eq!(zones("2195550100"), INDIANA_CENTRAL);
        assert_eq!(zones("9285550100"), &["America/Phoenix", "America/Denver"]);
        for unknown in ["8005550100", "9005550100", "5005550100", "212555", ""] {
            assert!(zones(unknown).is_empty(), "{unknown}");
        }
    }
}
